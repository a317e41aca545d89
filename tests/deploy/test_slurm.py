"""The script for Slurm, with programs in the place of Slurm's and of ours."""

import os
import pathlib
import subprocess
import sys

from absl.testing import absltest, parameterized

_SCRIPT = pathlib.Path(__file__).parents[2] / "deploy" / "slurm.sh"

# Starts two processes, each on a node of its own, and ends with the highest
# status, as srun does.
_SRUN = f"""
import os, subprocess, sys
sys.path[:0] = {sys.path!r}
from tests.system.cluster import steps
command = sys.argv[1:]
while command[0].startswith("--"):
    del command[0]
processes = [
    subprocess.Popen(command, env=os.environ | steps.environment(
        2, rank, nodes="n[1-2]", tasks_per_node="1(x2)"))
    for rank in range(2)
]
sys.exit(max(process.wait() for process in processes))
"""

# The first ends with the first of STATUSES, and so on.
_CIFAR10_TF = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from cifar10_tf.system import cluster
those = cluster.from_environment()
with open(f"process{{those.index}}", "w") as file:
    print(those.addresses, sys.argv[1:], file=file)
sys.exit(int(os.environ["STATUSES"].split()[those.index]))
"""

_SCONTROL = "import sys; print(*sys.argv[1:], file=open('requeued', 'w'))"


class ScriptTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)
        self.programs = pathlib.Path(self.create_tempdir().full_path)
        for name, program in (
            ("srun", _SRUN),
            ("cifar10-tf", _CIFAR10_TF),
            ("scontrol", _SCONTROL),
        ):
            path = self.programs / name
            path.write_text(f"#!{sys.executable}\n{program}", "utf-8")
            path.chmod(0o755)

    def _run(self, statuses: str, **environ: str) -> tuple[int, bool]:
        """Returns the script's status, and whether the job is requeued."""
        path = f"{self.programs}:{os.environ['PATH']}"
        environ |= {"PATH": path, "SLURM_JOB_ID": "4711", "STATUSES": statuses}
        result = subprocess.run(
            [_SCRIPT, "--model=speedrun_s", "--run_dir=with space"],
            env=environ,
            cwd=self.directory,
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.stderr, "")
        requeued = self.directory / "requeued"
        if requeued.exists():
            self.assertEqual(requeued.read_text("utf-8"), "requeue 4711\n")
        return result.returncode, requeued.exists()

    def test_the_processes_train_together(self):
        self.assertEqual(self._run("0 0"), (0, False))
        one, other = (
            (self.directory / f"process{index}").read_text("utf-8")
            for index in range(2)
        )
        self.assertEqual(one, other)
        self.assertRegex(
            one, r"^\('n1:2\d{4}', 'n2:2\d{4}'\) \['train', '--mod"
        )
        self.assertIn("'--run_dir=with space'", one)

    @parameterized.parameters(
        ("1 1", 1, False),
        ("75 75", 75, False),
        ("138 138", 138, True),
        ("143 0", 143, True),
        ("137 138", 138, True),
    )
    def test_starts_again_what_can_go_on(self, statuses, status, again):
        self.assertEqual(self._run(statuses), (status, again))

    @parameterized.parameters((19, True), (20, False))
    def test_not_for_ever(self, count, again):
        result = self._run("139 138", SLURM_RESTART_COUNT=str(count))
        self.assertEqual(result, (139, again))


if __name__ == "__main__":
    absltest.main()

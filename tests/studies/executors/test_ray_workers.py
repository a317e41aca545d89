"""Ray itself, where it is installed: pip install 'cifar10_tf[ray]'."""

import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
from unittest import mock

import psutil
import pytest
from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.executors.executor import Job

ray = pytest.importorskip("ray", reason="Ray is not installed.")
from cifar10_tf.studies.executors import ray_workers  # noqa: E402

# Leaves a line in its file of the directory. Of seed 9, the second worker is
# killed at first; of seed 100, they run on.
_WORKER = """
import json, os, pathlib, signal, sys, time
flags = dict(a.lstrip("-").split("=", 1) for a in sys.argv if "=" in a)
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
path = pathlib.Path(flags["run_dir"], f"{index}.txt")
with path.open("a") as file:
    file.write(f"{os.getpid()} {os.environ['TF_CONFIG']}\\n")
times = len(path.read_text().splitlines())
if flags["seed"] == "9" and times == 1:
    sys.exit(138) if index == 0 else os.kill(os.getpid(), signal.SIGKILL)
if flags["seed"] == "100":
    time.sleep(300)
print(f"worker {index} has come to its end")
"""

_TRAINING = """
import sys
from tests.studies.executors import test_ray_workers as tests
from cifar10_tf.studies.executors import ray_workers, run_process
from cifar10_tf.system import interruption
interruption.install()
run_process.PROGRAM = [sys.executable, "-c", tests._WORKER]
root, seed, num_workers = sys.argv[1], *map(int, sys.argv[2:])
sys.exit(ray_workers.train(tests.job(root, seed), num_workers))
"""


def job(root: str, seed: int) -> Job:
    """Returns a job whose workers leave their numbers in files."""
    return Job(make_config(seed=seed, run_dir=root))


class ShareTest(parameterized.TestCase):
    @parameterized.parameters(
        ([{"CPU": 8.0}, {"CPU": 4.0}, {"memory": 1.0}], 2, ("CPU", 4)),
        ([{"CPU": 8.0}, {"CPU": 4.0}], 3, ("CPU", 4)),
        ([{"CPU": 8.0}], 3, ("CPU", 2)),
        ([{"CPU": 8.0, "GPU": 4.0}] * 2, 2, ("GPU", 4)),
        ([{"CPU": 8.0, "GPU": 4.0}, {"CPU": 8.0}], 4, ("GPU", 1)),
        ([{"CPU": 8.0, "GPU": 1.0}], 2, None),
        ([], 2, None),
    )
    def test_all_that_there_is_equally(self, resources, num, expected):
        self.assertEqual(ray_workers.share(resources, num), expected)


@pytest.mark.slow
@pytest.mark.signals
class TrainTest(absltest.TestCase):
    """Each test starts Ray, and is of several things."""

    def setUp(self):
        super().setUp()
        if os.cpu_count() < 2:
            self.skipTest("Two workers need two cores.")
        token = self.create_tempfile(content=secrets.token_hex(32)).full_path
        self.enter_context(
            mock.patch.dict(os.environ, RAY_AUTH_TOKEN_PATH=token)
        )
        self.root = self.create_tempdir().full_path

    def _lines(self, index):
        path = pathlib.Path(self.root, f"{index}.txt")
        text = path.read_text() if path.exists() else ""
        # What is complete.
        return [line.split(" ", 1) for line in text.split("\n")[:-1]]

    def _begin(self, seed, num_workers=2):
        # A process of its own for each: Ray keeps the first token it has seen.
        return subprocess.Popen(
            [sys.executable, "-c", _TRAINING]
            + [self.root, str(seed), str(num_workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_a_killed_worker(self):
        with self._begin(9) as process:
            shown, said = process.communicate()
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(shown, "worker 0 has come to its end\n")
        configs = [json.loads(line[1]) for line in self._lines(0)]
        self.assertLen(configs, 2)
        self.assertLen(self._lines(1), 2)
        self.assertLen(set(configs[1]["cluster"]["worker"]), 2)

    def test_no_room(self):
        with self._begin(9, num_workers=999) as process:
            _, said = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertIn("no room for 999 workers", said)

    def test_nothing_outlives_it(self):
        for number in signal.SIGTERM, signal.SIGKILL:
            done = [len(self._lines(index)) for index in range(2)]
            with self._begin(100) as process:
                while any(len(self._lines(i)) == done[i] for i in range(2)):
                    time.sleep(0.05)
                pids = [int(self._lines(i)[-1][0]) for i in range(2)]
                workers = list(map(psutil.Process, pids))
                process.send_signal(number)
                process.wait()
                for worker in workers:
                    worker.wait(60)
            expected = -9 if number == signal.SIGKILL else 128 + number
            self.assertEqual(process.returncode, expected)


if __name__ == "__main__":
    absltest.main()

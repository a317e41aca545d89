import contextlib
import dataclasses
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
from unittest import mock

import psutil
from absl.testing import absltest, parameterized

from cifar10_tf import config as config_lib
from cifar10_tf import interruption, study
from cifar10_tf.errors import UserError
from cifar10_tf.run_directory import RunDirectory

# In place of a training, in the same way: fails with status 7 at seed 13.
_QUICK_RUN = """
import json, sys
from absl import app
from cifar10_tf import flags
from cifar10_tf.run_directory import RunDirectory
assert flags.parse(sys.argv, str) == ["train"]
assert flags.FLAGS.num_runs == 1
config = flags.make_config()
run = RunDirectory(config.run_dir)
if flags.FLAGS.restart:
    run.set_aside()
run.open(config)
if config.seed == 13:
    sys.exit(7)
accuracy = config.seed / 100
run.metrics.write_text(json.dumps(
    {"epoch": 1, "accuracy": 0.5, "val_accuracy": accuracy, "train_sec": 9.5}))
run.complete({
    "dataset": config.dataset, "model": config.model, "seed": config.seed,
    "test_accuracy": accuracy, "validation_accuracy": accuracy,
    "train_sec": 9.5, "total_sec": 11.0, "versions": {"python": "3"},
    "hardware": {"cpu": "abacus"}, "precision": "float32"})
print("trained", config.seed)
"""


class TrainTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "study"
        self.enter_context(
            mock.patch.object(
                study, "_PROGRAM", [sys.executable, "-c", _QUICK_RUN]
            )
        )
        self.enter_context(contextlib.redirect_stdout(io.StringIO()))

    def _config(self, **settings):
        return config_lib.make_config(
            dataset="synthetic10", run_dir=str(self.path), **settings
        )

    def _written_at(self, seed):
        run = RunDirectory(self.path / f"seed{seed}")
        return run.summary.stat().st_mtime_ns

    def test_consecutive_seeds(self):
        summary = study.train(self._config(seed=3), 3)
        self.assertCountEqual(
            os.listdir(self.path),
            ["seed3", "seed4", "seed5", "study.json", "study.png"],
        )
        self.assertEqual(
            json.loads((self.path / "study.json").read_text()), summary
        )
        self.assertEqual(summary["seeds"], [3, 4, 5])
        accuracy = summary["metrics"]["test_accuracy"]
        self.assertEqual(accuracy["values"], [0.03, 0.04, 0.05])
        self.assertAlmostEqual(accuracy["mean"], 0.04)
        self.assertNotIn("test_accuracy_tta", summary["metrics"])
        self.assertEqual(summary["hardware"], [{"cpu": "abacus"}])
        run = RunDirectory(self.path / "seed5")
        expected = dataclasses.replace(
            self._config(seed=5), run_dir=str(run.path)
        )
        self.assertEqual(run.read_config(), expected)

    def test_complete_runs_are_not_repeated(self):
        study.train(self._config(), 2)
        before = [self._written_at(seed) for seed in (1, 2)]
        summary = study.train(self._config(), 3)
        self.assertEqual(summary["num_runs"], 3)
        self.assertEqual([self._written_at(seed) for seed in (1, 2)], before)

    def test_an_unfinished_run_goes_on(self):
        study.train(self._config(), 2)
        before = self._written_at(1)
        (self.path / "seed2" / "summary.json").unlink()
        study.train(self._config(), 2)
        self.assertEqual(self._written_at(1), before)
        self.assertTrue((self.path / "seed2" / "summary.json").exists())
        self.assertFalse((self.path / "seed2.1").exists())

    def test_restart_starts_all_over(self):
        study.train(self._config(), 2)
        study.train(self._config(), 2, restart=True)
        for name in ("seed1.1", "seed2.1"):
            self.assertTrue((self.path / name / "summary.json").exists())

    def test_an_interrupted_restart_goes_on_without_it(self):
        study.train(self._config(seed=14), 2)
        with self.assertRaisesRegex(UserError, "seed 13 .* status 7,"):
            study.train(self._config(seed=12), 3, restart=True)
        # No old run counts as one of the new.
        self.assertTrue((self.path / "seed14.1").exists())
        self.assertFalse((self.path / "seed14").exists())
        before = self._written_at(12)
        with self.assertRaisesRegex(UserError, "seed 13 .* status 7,"):
            study.train(self._config(seed=12), 3)
        self.assertEqual(self._written_at(12), before)

    def test_a_failed_run_ends_the_study(self):
        with self.assertRaisesRegex(UserError, "seed 13 .* status 7,"):
            study.train(self._config(seed=12), 3)
        self.assertCountEqual(os.listdir(self.path), ["seed12", "seed13"])

    def test_an_interrupted_run_ends_the_study_in_the_same_way(self):
        for status in 75, 130, 143:
            program = f"import sys; sys.exit({status})"
            with (
                mock.patch.object(
                    study, "_PROGRAM", [sys.executable, "-c", program]
                ),
                self.assertRaises(interruption.Interrupted) as caught,
            ):
                study.train(self._config(), 2)
            self.assertEqual(caught.exception.status, status)

    def test_without_time_left_no_run_begins(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(1e-9)
        with self.assertRaises(interruption.Interrupted) as caught:
            study.train(self._config(), 2)
        self.assertEqual(caught.exception.status, 75)
        self.assertFalse(self.path.exists())

    def test_a_killed_run_ends_the_study(self):
        program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        with (
            mock.patch.object(
                study, "_PROGRAM", [sys.executable, "-c", program]
            ),
            self.assertRaisesRegex(UserError, r"signal 9 \(SIGKILL\)"),
        ):
            study.train(self._config(), 2)

    def test_everything_is_checked_before_anything_is_trained(self):
        RunDirectory(self.path / "seed2").open(self._config(epochs=5))
        with self.assertRaisesRegex(UserError, "epochs: 5 -> 31"):
            study.train(self._config(), 2)
        with self.assertRaisesRegex(UserError, "seed must be between"):
            study.train(self._config(seed=2**32 - 1), 2)
        self.assertEqual(os.listdir(self.path), ["seed2"])

    def test_a_run_is_no_place_for_a_study(self):
        RunDirectory(self.path).open(self._config())
        with self.assertRaisesRegex(UserError, "holds a run"):
            study.train(self._config(), 2)


_CALL = """
import sys
from cifar10_tf import interruption, study
interruption.install()
try:
    study._call([sys.executable, "-c", sys.argv[1]])
except interruption.Interrupted as stop:
    sys.exit(stop.status)
"""

_SLEEP = """
import os, time
from cifar10_tf import interruption
interruption.install()
try:
    print(os.getpid(), flush=True)
    time.sleep(300)
except interruption.Interrupted:
    time.sleep(0.2)  # saves what it has
    print("ended well", flush=True)
"""


class SignalTest(absltest.TestCase):
    def _end(self, send, number):
        """Sends a signal; checks that the run, and then the study, ends."""
        with subprocess.Popen(
            [sys.executable, "-c", _CALL, _SLEEP],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as process:
            run = psutil.Process(int(process.stdout.readline()))
            send(process.pid, number)
            process.wait()
            self.assertFalse(run.is_running())
            self.assertEqual(process.stdout.read(), "ended well\n")
            self.assertEqual(process.returncode, 128 + number)

    def test_ctrl_c_reaches_both(self):
        self._end(os.killpg, signal.SIGINT)

    def test_signals_are_passed_on(self):
        for number in signal.SIGINT, signal.SIGTERM:
            self._end(os.kill, number)


class StatisticsTest(parameterized.TestCase):
    @parameterized.parameters(
        (1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622),
        (10, 2.2281), (30, 2.0423), (99, 1.9842), (10_000, 1.9602),
    )  # fmt: skip
    def test_t_quantiles_as_in_the_tables(self, degrees_of_freedom, expected):
        self.assertAlmostEqual(
            study.t_quantile(degrees_of_freedom), expected, places=4
        )

    def test_another_probability(self):
        self.assertAlmostEqual(study.t_quantile(5, 0.99), 4.0321, places=4)

    def test_statistics(self):
        result = study.statistics_of([1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertEqual(result["mean"], 3)
        self.assertAlmostEqual(result["std"], 2.5**0.5)
        low, high = result["ci95"]
        self.assertAlmostEqual(low, 3 - 2.776445 * 0.5**0.5, places=6)
        self.assertAlmostEqual(high, 3 + 2.776445 * 0.5**0.5, places=6)

    def test_table(self):
        summary = {
            "dataset": "cifar10", "model": "dropout", "seeds": [1, 2],
            "metrics": {
                "test_accuracy_tta": study.statistics_of([0.75, 0.77]),
                "train_sec": study.statistics_of([60.0, 61.0]),
            },
        }  # fmt: skip
        title, _, accuracy, sec = study.table(summary).splitlines()
        self.assertEqual(title, "dropout on CIFAR-10: 2 runs, seeds 1 to 2")
        self.assertRegex(accuracy, r"TTA +76.00% +1.41% .* 75.00% to 77.00%$")
        self.assertRegex(sec, r"seconds of training +60.5 +0.7 ")


class ImportTest(absltest.TestCase):
    def test_free_of_tensorflow(self):
        program = (
            "import sys; from cifar10_tf import commands, study; "
            "sys.exit('tensorflow' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


if __name__ == "__main__":
    absltest.main()

import contextlib
import dataclasses
import io
import json
import os
import pathlib
from unittest import mock

from absl.testing import absltest

from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.studies import seeds
from cifar10_tf.studies.executors import processes
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError
from tests import launcher

# In place of a training, in the same way: fails with status 7 at seed 13.
_QUICK_RUN = """
import json, sys, zipfile
from absl import app
from cifar10_tf.cli import flags
from cifar10_tf.runs import model_file
from cifar10_tf.runs.run_directory import RunDirectory
assert flags.parse(sys.argv, str) == ["train"]
config, options = flags.config_and_options()
assert options.num_runs == 1
run = RunDirectory(config.run_dir)
if options.restart:
    run.set_aside()
run.open(config)
if config.seed == 13:
    sys.exit(7)
accuracy = config.seed / 100
run.metrics.write_text(json.dumps(
    {"epoch": 1, "accuracy": 0.5, "val_accuracy": accuracy, "train_sec": 9.5}))
with zipfile.ZipFile(run.model, "w") as archive:
    for name in model_file.MEMBERS:
        archive.writestr(name, "")
run.complete({
    "dataset": config.dataset, "model": config.model, "seed": config.seed,
    "test_accuracy": accuracy, "validation_accuracy": accuracy,
    "test_accuracy_ci95": [0, 1], "num_test_examples": 100,
    "per_class_accuracy": {"cat": accuracy},
    "train_sec": 9.5, "total_sec": 11.0, "versions": {"python": "3"},
    "hardware": {"cpu": "abacus"}, "precision": "float32"})
print("trained", config.seed)
"""


class TrainTest(absltest.TestCase):
    """With forked runs; real processes: executors/test_processes.py."""

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "study"
        self.enter_context(self._runs(_QUICK_RUN))
        self.enter_context(contextlib.redirect_stdout(io.StringIO()))

    def _runs(self, program):
        """Returns a patch: while it holds, this is a run's program."""

        def make(job):
            flags = job.arguments(max_minutes=0)
            return launcher.light().run(*flags, program=program).returncode

        return mock.patch.object(processes, "_make", make)

    def _config(self, **settings):
        config = make_config(
            dataset="synthetic10", run_dir=str(self.path), **settings
        )
        return resolve_config(config)

    def _written_at(self, seed):
        run = RunDirectory(self.path / f"seed{seed}")
        return run.summary.stat().st_mtime_ns

    def test_consecutive_seeds(self):
        summary = seeds.train(self._config(seed=3), 3)
        self.assertCountEqual(
            os.listdir(self.path),
            ["seed3", "seed4", "seed5", "study.html", "study.json"]
            + ["study.png"],
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

    def test_the_runs_have_the_settings_of_the_config(self):
        # Whatever the flags of this process say, which here is nothing.
        config = self._config(
            model="speedrun_s", epochs=1, precision="auto", tta=True
        )
        summary = seeds.train(config, 2)
        self.assertEqual(summary["model"], "speedrun_s")
        for seed in (1, 2):
            run = RunDirectory(self.path / f"seed{seed}")
            expected = dataclasses.replace(
                config, seed=seed, run_dir=str(run.path)
            )
            self.assertEqual(run.read_config(), expected)

    def test_complete_runs_are_not_repeated(self):
        seeds.train(self._config(), 2)
        before = [self._written_at(seed) for seed in (1, 2)]
        summary = seeds.train(self._config(), 3)
        self.assertEqual(summary["num_runs"], 3)
        self.assertEqual([self._written_at(seed) for seed in (1, 2)], before)

    def test_an_unfinished_run_goes_on(self):
        seeds.train(self._config(), 2)
        before = self._written_at(1)
        (self.path / "seed2" / "summary.json").unlink()
        seeds.train(self._config(), 2)
        self.assertEqual(self._written_at(1), before)
        self.assertTrue((self.path / "seed2" / "summary.json").exists())
        self.assertFalse((self.path / "seed2.1").exists())

    def test_restart_starts_all_over(self):
        seeds.train(self._config(), 2)
        seeds.train(self._config(), 2, restart=True)
        for name in ("seed1.1", "seed2.1"):
            self.assertTrue((self.path / name / "summary.json").exists())

    def test_a_restart_that_fails_at_once_goes_on_without_it(self):
        first = seeds.train(self._config(), 2)
        for program in "sys.exit(7)", "sys.exit(8)":
            with (
                self._runs(f"import sys; {program}"),
                self.assertRaisesRegex(UserError, "seed1 .* status [78],"),
            ):
                seeds.train(self._config(), 2, restart="7" in program)
            self.assertCountEqual(
                os.listdir(self.path),
                ["seed1.1", "seed2.1", "study.html.1", "study.json.1"]
                + ["study.png.1"],
            )
        kept = json.loads((self.path / "study.json.1").read_text())
        self.assertEqual(kept, first)
        seeds.train(self._config(), 2)

    def test_an_interrupted_restart_goes_on_without_it(self):
        seeds.train(self._config(seed=14), 2)
        with self.assertRaisesRegex(UserError, "seed13 .* status 7,"):
            seeds.train(self._config(seed=12), 3, restart=True)
        # No old run counts as one of the new.
        self.assertTrue((self.path / "seed14.1").exists())
        self.assertFalse((self.path / "seed14").exists())
        before = self._written_at(12)
        with self.assertRaisesRegex(UserError, "seed13 .* status 7,"):
            seeds.train(self._config(seed=12), 3)
        self.assertEqual(self._written_at(12), before)

    def test_a_failed_run_ends_the_study(self):
        with self.assertRaisesRegex(UserError, "seed13 .* status 7,"):
            seeds.train(self._config(seed=12), 3)
        self.assertCountEqual(os.listdir(self.path), ["seed12", "seed13"])

    def test_an_interrupted_run_ends_the_study_in_the_same_way(self):
        for status in 75, 130, 143:
            program = f"import sys; sys.exit({status})"
            with (
                self._runs(program),
                self.assertRaises(interruption.Interrupted) as caught,
            ):
                seeds.train(self._config(), 2)
            self.assertEqual(caught.exception.status, status)

    def test_an_interrupted_study_says_whether_it_can_go_on(self):
        stop = mock.patch.object(
            processes,
            "_make",
            side_effect=[interruption.Interrupted("SIGTERM", 143)],
        )
        with stop, self.assertRaises(interruption.Interrupted) as caught:
            seeds.train(self._config(), 2)
        self.assertFalse(caught.exception.can_go_on)
        seeds.train(self._config(), 2)
        with stop, self.assertRaises(interruption.Interrupted) as caught:
            seeds.train(self._config(), 3)
        self.assertTrue(caught.exception.can_go_on)
        # All that there was has been set aside.
        with stop, self.assertRaises(interruption.Interrupted) as caught:
            seeds.train(self._config(), 3, restart=True)
        self.assertFalse(caught.exception.can_go_on)

    def test_without_time_left_no_run_begins(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(1e-9)
        with self.assertRaises(interruption.Interrupted) as caught:
            seeds.train(self._config(), 2)
        self.assertEqual(caught.exception.status, 75)
        self.assertFalse(self.path.exists())

    def test_a_killed_run_ends_the_study(self):
        program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        with (
            self._runs(program),
            self.assertRaisesRegex(UserError, r"signal 9 \(SIGKILL\)"),
        ):
            seeds.train(self._config(), 2)

    def test_everything_is_checked_before_anything_is_trained(self):
        RunDirectory(self.path / "seed2").open(self._config(epochs=5))
        with self.assertRaisesRegex(UserError, "epochs: 5 -> 31"):
            seeds.train(self._config(), 2)
        with self.assertRaisesRegex(UserError, "seed must be between"):
            seeds.train(self._config(seed=2**32 - 1), 2)
        self.assertEqual(os.listdir(self.path), ["seed2"])

    def test_something_else_is_no_place_for_a_study(self):
        self.path.mkdir()
        thesis = self.path / "thesis.txt"
        thesis.write_text("precious")
        for restart in False, True:
            with self.assertRaisesRegex(UserError, "thesis.txt is not of a st"):
                seeds.train(self._config(), 2, restart=restart)
        self.assertEqual(os.listdir(self.path), ["thesis.txt"])

    def test_a_run_is_no_place_for_a_study(self):
        RunDirectory(self.path).open(self._config())
        with self.assertRaisesRegex(UserError, "holds a run"):
            seeds.train(self._config(), 2)


if __name__ == "__main__":
    absltest.main()

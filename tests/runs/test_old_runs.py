"""Runs that an earlier version made, in `old_runs`, are of use for ever.

They were made before config.json had a format number, of `tests.fakes`' small
synthetic10, which was in another place then.
"""

import json
import pathlib
import shutil

from absl.testing import absltest

import cifar10_tf
from tests import cases, fakes

_RUNS = pathlib.Path(__file__).parent / "old_runs"


class OldRunsTest(cases.CommandTestCase):
    def setUp(self):
        super().setUp()
        for name in "complete", "unfinished":
            shutil.copytree(_RUNS / name, self.directory / name)
        fakes.write_synthetic10(self.cache / "cifar10_tf/tensorflow_datasets")

    def test_a_complete_one_is_evaluated(self):
        result = self.run_heavy("evaluate", "--run_dir=complete")
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads((_RUNS / "complete/summary.json").read_text())
        self.assertIn(
            f"test accuracy {summary['test_accuracy']:.2%}", result.stdout
        )

    def test_a_complete_one_gets_predictions_and_a_page(self):
        result = self.run_heavy("report", "--run_dir=complete")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("has no predictions yet: evaluating", result.stderr)
        summary = json.loads((_RUNS / "complete/summary.json").read_text())
        page = (self.directory / "complete/report.html").read_text("utf-8")
        self.assertTrue(f"{summary['test_accuracy']:.1%}" in page)
        again = self.run_light("report", "--run_dir=complete")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("evaluating", again.stderr)

    def test_python_reads_them(self):
        run = cifar10_tf.load_run(self.directory / "complete")
        self.assertEqual(run.config.label_smoothing, 0.1)
        self.assertLen(run.history, 8)
        self.assertGreater(run.summary["test_accuracy"], 0.2)
        run = cifar10_tf.load_run(self.directory / "unfinished")
        self.assertEqual(run.config.epochs, 500)

    def test_an_unfinished_one_is_refused_with_the_reason(self):
        result = self.run_heavy(
            "--dataset=synthetic10", "--model=speedrun_s", "--epochs=500",
            "--run_dir=unfinished",
            # Of the recipe of then.
            "--batch_size=256", "--learning_rate=0.1", "--low_resolution=0",
        )  # fmt: skip
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stderr.splitlines()[-1],
            r"^error: the checkpoint of step 217 .* another version of "
            r"cifar10_tf.*--restart",
        )


if __name__ == "__main__":
    absltest.main()

import pathlib

import numpy as np
from absl.testing import absltest

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.system.errors import UserError
from tests.report import run_directories


class CompleteRunsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "study"
        labels = np.arange(30) % 3
        predictions = run_directories.random_predictions(labels)
        for seed in 1, 2, 10:
            run_directories.write(
                self.path / f"seed{seed}", labels, predictions
            )

    def _names(self, path):
        runs = StudyDirectory.complete_runs(RunDirectory(path))
        return [run.path.name for run in runs]

    def test_of_a_study(self):
        self.assertEqual(self._names(self.path), ["seed1", "seed2", "seed10"])

    def test_what_is_not_complete_is_left_out_and_named(self):
        (self.path / "seed2" / "summary.json").unlink()
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            names = self._names(self.path)
        self.assertEqual(names, ["seed1", "seed10"])
        self.assertIn("seed2", logs.output[0])

    def test_one_that_is_damaged_is_not_left_out(self):
        (self.path / "seed2" / "config.json").write_text('{"a')
        with self.assertRaisesRegex(UserError, "seed2/config.json is damaged"):
            self._names(self.path)

    def test_what_is_no_study_is_a_run(self):
        for name in "seed1", "nowhere":
            self.assertEqual(self._names(self.path / name), [name])


if __name__ == "__main__":
    absltest.main()

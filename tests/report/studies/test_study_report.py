"""The page of a study, of runs that nobody trained."""

import json
import pathlib

import numpy as np
from absl.testing import absltest

from cifar10_tf.report.studies import study_report
from cifar10_tf.runs.study_directory import StudyDirectory
from tests.report import run_directories


class StudyReportTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        path = pathlib.Path(self.create_tempdir().full_path)
        self.study = StudyDirectory(path)

    def _write(self, num_runs: int, **last_summary) -> str:
        """Returns the page; the last run's summary may differ."""
        seeds = list(range(1, num_runs + 1))
        labels = np.arange(30) % 3
        for seed in seeds:
            run_directories.write(
                self.study.run(seed).path,
                labels,
                run_directories.random_predictions(labels, seed=seed),
                seed=seed,
                summary=last_summary if seed == num_runs else None,
            )
        metric = {"mean": 0.5, "std": 0.1, "ci95": [0.4, 0.6], "values": seeds}
        study = {
            "model": "dropout",
            "dataset": "cifar10",
            "seeds": seeds,
            "metrics": {"test_accuracy": metric},
            "command": "cifar10-tf --num_runs=3",
        }
        self.study.summary.write_text(json.dumps(study))
        study_report.write(self.study)
        return self.study.report.read_text("utf-8")

    def test_figures_settings_and_machine(self):
        page = self._write(3)
        self.assertIn("<td>50.00%</td><td>40.00% to 60.00%</td>", page)
        self.assertIn('<th scope="row">batch_size</th>', page)
        self.assertIn('<th scope="row">cpu</th><td>a CPU</td>', page)
        self.assertNotIn("ran elsewhere", page)

    def test_runs_that_it_does_not_show_are_named(self):
        self._write(3)
        study = json.loads(self.study.summary.read_text())
        self.study.summary.write_text(json.dumps(study | {"seeds": [1, 2]}))
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            study_report.write(self.study)
        self.assertIn("without seed3", logs.output[0])

    def test_two_runs_tell_no_interval(self):
        self.assertIn("<td>from 3 runs on</td>", self._write(2))

    def test_runs_on_several_machines(self):
        page = self._write(3, hardware={"cpu": "another"})
        self.assertIn("Machine of seed 1; others ran elsewhere", page)


if __name__ == "__main__":
    absltest.main()

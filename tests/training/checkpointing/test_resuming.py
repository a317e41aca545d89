import os
import pathlib

import numpy as np
from absl.testing import absltest

from cifar10_tf.runs import checkpoint
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError
from tests.training.checkpointing.small_run import SmallRun, stop_after


class ResumeTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def test_without_a_checkpoint_everything_stays_as_it_is(self):
        run = SmallRun(self.directory)
        before = checkpoint.capture(run.model)
        with self.assertNoLogs("cifar10_tf"):
            self.assertEqual(run.resume(), 0)
        for one, other in zip(
            before, checkpoint.capture(run.model), strict=True
        ):
            np.testing.assert_array_equal(one, other)
        self.assertEqual(run.metrics.read_text(), "")

    def test_times_and_metrics_go_on_from_where_they_were(self):
        with stop_after(4), self.assertRaises(interruption.Interrupted):
            SmallRun(self.directory).fit()
        saved = checkpoint.newest(self.directory)
        run = SmallRun(self.directory)
        self.assertEqual(run.resume(), 4)
        self.assertEqual(run.log.history, saved.record["history"])
        self.assertLen(run.metrics.read_text().splitlines(), 1)
        self.assertEqual(
            run.throughput.train_sec, saved.record["throughput"]["train_sec"]
        )
        self.assertGreater(
            run.throughput.total_sec, saved.record["throughput"]["total_sec"]
        )

    def test_a_checkpoint_of_another_run_is_refused(self):
        SmallRun(self.directory).fit()
        for run in {"settings": {"seed": 2}}, {"settings": {}, "data": 1}:
            with self.assertRaisesRegex(
                UserError, "not of this run.*--restart"
            ):
                SmallRun(self.directory, run=run).fit()

    def test_a_record_that_is_none_is_refused(self):
        run = SmallRun(self.directory)
        arrays = checkpoint.capture(run.model)
        good = {
            "settings": {},
            "variables": checkpoint.describe(run.model),
            "environment": {"keras": "3"},
            "throughput": {},
            "history": [],
        }
        for name in good:
            record = {key: v for key, v in good.items() if key != name}
            checkpoint.write(
                self.directory, checkpoint.Checkpoint(1, arrays, record)
            )
            with self.assertRaisesRegex(UserError, "not of this run"):
                run.resume()

    def test_without_a_whole_one_it_starts_over_and_says_so(self):
        with stop_after(2), self.assertRaises(interruption.Interrupted):
            SmallRun(self.directory).fit()
        for path in self.directory.glob("step-*"):
            os.truncate(path, 100)
        with self.assertLogs("cifar10_tf") as logs:
            run = SmallRun(self.directory).fit()
        self.assertLen(logs.output, 3)
        self.assertIn("starting over", logs.output[-1])
        self.assertEqual(run.first_step, 0)


if __name__ == "__main__":
    absltest.main()

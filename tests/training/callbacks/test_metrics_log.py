import json
import pathlib

import keras
from absl.testing import absltest

from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.throughput import Throughput
from tests import fakes


class MetricsLogTest(absltest.TestCase):
    def test_a_line_an_epoch(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        throughput = Throughput(10, 4)
        fakes.fit([throughput, MetricsLog(path)])
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2])
        self.assertEqual([line["step"] for line in lines], [3, 6])
        self.assertEqual(
            list(lines[0]),
            [
                "epoch",
                "step",
                "loss",
                "accuracy",
                "val_loss",
                "val_accuracy",
                "learning_rate",
                "images_per_sec",
                "train_sec",
            ],
        )
        self.assertEqual(lines[0]["learning_rate"], 0.01)

    def test_without_validation(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        throughput = Throughput(10, 4)
        fakes.fit([throughput, MetricsLog(path)], validate=False)
        line = json.loads(path.read_text().splitlines()[0])
        self.assertIsNone(line["val_accuracy"])

    def test_the_rate_of_a_schedule(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        schedule = keras.optimizers.schedules.PolynomialDecay(0.1, 6, 0.02)
        optimizer = keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(schedule)
        )
        fakes.fit(
            [Throughput(8, 4), MetricsLog(path)],
            optimizer=optimizer,
        )
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual(
            [line["learning_rate"] for line in lines], [0.06, 0.02]
        )

    def test_begins_with_the_lines_so_far_and_mends_the_last(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        log = MetricsLog(path)
        self.assertFalse(log.begin([]))
        fakes.fit([Throughput(10, 4), log])
        text = path.read_text()
        path.write_text(text[:-20])  # as by a power cut
        other = MetricsLog(path)
        self.assertTrue(other.begin(log.history))
        self.assertEqual(path.read_text(), text)


if __name__ == "__main__":
    absltest.main()

import json
import pathlib
from unittest import mock

import keras
from absl.testing import absltest

from cifar10_tf.system import process_clock
from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.throughput import Throughput
from tests import fakes


class _Clock(keras.callbacks.Callback):
    """A second for a training step, 100 for the first one and a validation."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.now += 1 if self.now else 100

    def on_test_end(self, logs=None):
        self.now += 100


class ThroughputTest(absltest.TestCase):
    def _fit_and_rates(self, **kwargs):
        clock = _Clock()
        throughput = Throughput(num_examples=10, batch_size=4)
        history = keras.callbacks.History()
        with mock.patch("time.perf_counter", lambda: clock.now):
            fakes.fit([clock, throughput, history], **kwargs)
        self.assertEqual(history.history["train_sec"], [102, 105])
        return throughput, history.history["images_per_sec"]

    def test_counts_training_steps_only(self):
        throughput, rates = self._fit_and_rates()
        self.assertEqual(throughput.train_sec, 102 + 3)
        # 4 images in 1 s between the first steps of 4 and of 2, then 10 in 3 s.
        self.assertEqual(rates, [4.0, 3.3])
        self.assertEqual(throughput.images_per_sec, 3.3)

    def test_without_validation(self):
        throughput, rates = self._fit_and_rates(validate=False)
        self.assertEqual(throughput.train_sec, 102 + 3)
        self.assertEqual(rates, [4.0, 3.3])

    def test_first_step_counts_from_the_start_of_the_process(self):
        with mock.patch.object(process_clock, "process_sec", lambda: 12.5):
            throughput, _ = self._fit_and_rates()
        self.assertEqual(throughput.first_step_sec, 12.5)
        # 100 s of which the first step took.
        self.assertEqual(throughput.start_sec, 12.5 - 100)

    def test_goes_on_where_another_process_was(self):
        throughput, _ = self._fit_and_rates()
        with mock.patch.object(process_clock, "process_sec", lambda: 12.5):
            state = throughput.state()
        other = Throughput(num_examples=10, batch_size=4)
        other.go_on_from(json.loads(json.dumps(state)))
        with mock.patch.object(process_clock, "process_sec", lambda: 2.5):
            self.assertEqual(other.total_sec, 15.0)
        self.assertEqual(other.train_sec, throughput.train_sec)
        self.assertEqual(other.first_step_sec, throughput.first_step_sec)
        self.assertEqual(other.start_sec, throughput.start_sec)
        self.assertEqual(other.images_per_sec, throughput.images_per_sec)

    def test_a_run_of_a_single_step_has_no_steady_rate(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        throughput = Throughput(num_examples=4, batch_size=4)
        log = MetricsLog(path)
        fakes.fit([throughput, log], num_examples=4, epochs=1, verbose=2)
        self.assertIsNone(throughput.images_per_sec)
        self.assertIsNone(json.loads(path.read_text())["images_per_sec"])


if __name__ == "__main__":
    absltest.main()

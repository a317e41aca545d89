import json
import pathlib
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest

from cifar10_tf import callbacks, machine


def _fit(
    callbacks_,
    validate=True,
    epochs=2,
    num_examples=10,
    verbose=0,
    optimizer="sgd",
):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["accuracy"])
    x, y = np.zeros((num_examples, 2)), np.zeros((num_examples, 1))
    model.fit(
        x,
        y,
        batch_size=4,
        epochs=epochs,
        validation_data=(x, y) if validate else None,
        callbacks=callbacks_,
        verbose=verbose,
    )


class _Clock(keras.callbacks.Callback):
    """A second for a training step, 100 for the first one and a validation."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self.now += 1 if self.now else 100

    def on_test_end(self, logs=None):
        self.now += 100


class ThroughputTest(absltest.TestCase):
    def _fit_and_rates(self, **kwargs):
        clock = _Clock()
        throughput = callbacks.Throughput(num_examples=10, batch_size=4)
        history = keras.callbacks.History()
        with mock.patch("time.perf_counter", lambda: clock.now):
            _fit([clock, throughput, history], **kwargs)
        self.assertEqual(history.history["train_sec"], [102, 105])
        return throughput, history.history["images_per_sec"]

    def test_counts_training_steps_only(self):
        throughput, rates = self._fit_and_rates()
        self.assertEqual(throughput.train_sec, 102 + 3)
        # 6 images in 2 s after the first step, then 10 in 3 s.
        self.assertEqual(rates, [3.0, 3.3])
        # The first epoch may have compiled for each batch size.
        self.assertEqual(throughput.images_per_sec, 3.3)

    def test_without_validation(self):
        throughput, rates = self._fit_and_rates(validate=False)
        self.assertEqual(throughput.train_sec, 102 + 3)
        self.assertEqual(rates, [3.0, 3.3])

    def test_first_step_counts_from_the_start_of_the_process(self):
        with mock.patch.object(machine, "process_sec", lambda: 12.5):
            throughput, _ = self._fit_and_rates()
        self.assertEqual(throughput.first_step_sec, 12.5)

    def test_goes_on_where_another_process_was(self):
        throughput, _ = self._fit_and_rates()
        with mock.patch.object(machine, "process_sec", lambda: 12.5):
            state = throughput.state()
        other = callbacks.Throughput(num_examples=10, batch_size=4)
        other.go_on_from(json.loads(json.dumps(state)))
        with mock.patch.object(machine, "process_sec", lambda: 2.5):
            self.assertEqual(other.total_sec, 15.0)
        self.assertEqual(other.train_sec, throughput.train_sec)
        self.assertEqual(other.first_step_sec, throughput.first_step_sec)
        self.assertEqual(other.images_per_sec, throughput.images_per_sec)

    def test_a_run_of_a_single_step_has_no_steady_rate(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        throughput = callbacks.Throughput(num_examples=4, batch_size=4)
        log = callbacks.MetricsLog(path)
        _fit([throughput, log], num_examples=4, epochs=1, verbose=2)
        self.assertIsNone(throughput.images_per_sec)
        self.assertIsNone(json.loads(path.read_text())["images_per_sec"])


class ValidateAveragesTest(absltest.TestCase):
    def _fit(self, policy, *callbacks_, validate=True):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        x = np.array([[0.25], [0.5]], np.float32)  # else float16 overflows
        model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
        )
        model.set_weights([np.array([[0.3]])])
        model.compile(
            keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9),
            "mse",
        )
        weights = []
        log = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: weights.append(
                float(model.get_weights()[0][0, 0])
            )
        )
        history = model.fit(
            x, -x, batch_size=1, epochs=3, shuffle=False, verbose=0,
            validation_data=(x, 0 * x) if validate else None,
            callbacks=[log, *callbacks_],
        ).history  # fmt: skip
        return weights, model, history.get("val_loss")

    def test_validates_and_ends_with_averages_and_trains_without(self):
        for policy in ("float32", "mixed_float16"):
            expected, _, _ = self._fit(policy, validate=False)
            weights, model, losses = self._fit(
                policy, callbacks.ValidateAverages()
            )
            self.assertEqual(weights, expected)  # to the bit
            averages = [weights[0]]
            for weight in weights[1:]:
                averages.append(0.9 * averages[-1] + 0.1 * weight)
            np.testing.assert_allclose(
                losses, 0.15625 * np.square(averages[1::2]), rtol=0.01
            )
            np.testing.assert_allclose(
                model.get_weights()[0][0, 0], averages[-1], rtol=1e-5
            )


class MetricsLogTest(absltest.TestCase):
    def test_a_line_an_epoch(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        throughput = callbacks.Throughput(10, 4)
        _fit([throughput, callbacks.MetricsLog(path)])
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
        throughput = callbacks.Throughput(10, 4)
        _fit([throughput, callbacks.MetricsLog(path)], validate=False)
        line = json.loads(path.read_text().splitlines()[0])
        self.assertIsNone(line["val_accuracy"])

    def test_the_rate_of_a_schedule(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        schedule = keras.optimizers.schedules.PolynomialDecay(0.1, 6, 0.02)
        optimizer = keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(schedule)
        )
        _fit(
            [callbacks.Throughput(8, 4), callbacks.MetricsLog(path)],
            optimizer=optimizer,
        )
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual(
            [line["learning_rate"] for line in lines], [0.06, 0.02]
        )

    def test_begins_with_the_lines_so_far_and_mends_the_last(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "metrics.jsonl"
        log = callbacks.MetricsLog(path)
        self.assertFalse(log.begin([]))
        _fit([callbacks.Throughput(10, 4), log])
        text = path.read_text()
        path.write_text(text[:-20])  # as by a power cut
        other = callbacks.MetricsLog(path)
        self.assertTrue(other.begin(log.history))
        self.assertEqual(path.read_text(), text)


if __name__ == "__main__":
    absltest.main()

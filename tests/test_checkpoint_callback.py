import json
import os
import pathlib
import threading
import time
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf import callbacks, checkpoint, interruption, training_loop
from cifar10_tf.checkpoint_callback import Checkpoints
from cifar10_tf.errors import UserError

_STEPS, _EPOCHS = 3, 2


class _Run:
    """A process's part of a run of two epochs of three steps."""

    def __init__(self, directory, *, run=None, made_by=None, every_sec=0.0):
        keras.utils.clear_session()  # the same names
        keras.utils.set_random_seed(3)
        self.model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )
        metric = keras.metrics.CategoricalAccuracy(name="accuracy")
        optimizer = keras.optimizers.Adam()
        if keras.config.dtype_policy().name == "mixed_float16":
            # Whose scale grows within these few steps.
            optimizer = keras.optimizers.LossScaleOptimizer(
                optimizer, initial_scale=4.0, dynamic_growth_steps=2
            )
        self.model.compile(
            optimizer, "categorical_crossentropy", metrics=[metric]
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.compute_metrics(None, np.zeros((1, 2)), np.zeros((1, 2)))
        self.model.reset_metrics()
        self.directory = directory
        self.metrics = directory / "metrics.jsonl"
        self.throughput = callbacks.Throughput(15, 5)
        self.log = callbacks.MetricsLog(self.metrics)
        self.checkpoints = Checkpoints(
            directory,
            run={"settings": {}} if run is None else run,
            made_by={"keras": "3"} if made_by is None else made_by,
            throughput=self.throughput,
            log=self.log,
            every_sec=every_sec,
        )

    def resume(self):
        found = checkpoint.newest(self.directory)
        return self.checkpoints.resume(self.model, found)

    def fit(self, *more, x=1.0):
        rng = np.random.RandomState(0)
        images = x * rng.rand(_STEPS * _EPOCHS, 5, 4).astype(np.float32)
        labels = np.eye(2)[rng.randint(0, 2, images.shape[:2])]
        self.first_step = step = self.resume()
        batches = tf.data.Dataset.from_tensor_slices((images, labels))
        epoch = len(self.log.history)
        training_loop.fit(
            self.model,
            batches.skip(step),
            epochs=_EPOCHS,
            steps_per_epoch=_STEPS,
            first_epoch=epoch,
            first_batch=step - epoch * _STEPS,
            validation=batches.take(1),
            callbacks=[self.throughput, self.checkpoints, self.log, *more],
        )
        return self

    def result(self):
        """Returns all that is to be the same, however often interrupted."""
        lines = [json.loads(s) for s in self.metrics.read_text().splitlines()]
        for line in lines:
            del line["train_sec"], line["images_per_sec"]
        return [a.tolist() for a in checkpoint.capture(self.model)], lines


class CheckpointsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def _directory(self, name):
        (self.directory / name).mkdir()
        return self.directory / name

    def _steps(self, directory=None):
        return sorted(
            int(path.name.split("-")[1])
            for path in (directory or self.directory).glob("step-*.zip")
        )

    def _stop_after(self, num_steps):
        """Makes the end due after so many steps."""
        stop = interruption.Interrupted("SIGTERM", 143)
        due = iter([None] * (num_steps - 1) + [stop])
        return mock.patch.object(interruption, "due", lambda: next(due))

    def test_a_validation_that_is_not_finite_is_divergence(self):
        run = _Run(self.directory)
        # Before the others, as if the validation had had it.
        run.throughput.on_epoch_end = lambda epoch, logs: (
            callbacks.Throughput.on_epoch_end(run.throughput, epoch, logs),
            logs.update(val_loss=float("inf")),
        )
        with self.assertRaisesRegex(UserError, "val_loss became inf in step 3"):
            run.fit()

    @parameterized.parameters("float32", "mixed_float16")
    def test_however_often_it_is_stopped_it_ends_with_the_same_bits(
        self, policy
    ):
        keras.config.set_dtype_policy(policy)
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        expected = _Run(self._directory("whole")).fit().result()
        directory = self._directory("pieces")
        for step in range(1, _STEPS * _EPOCHS + 1):
            run = _Run(directory, every_sec=60.0)
            with (
                self._stop_after(1),
                self.assertRaisesRegex(
                    interruption.Interrupted, f"SIGTERM after step {step}"
                ),
            ):
                run.fit()
            self.assertEqual(run.first_step, step - 1)
        run = _Run(directory).fit()
        self.assertEqual(run.first_step, _STEPS * _EPOCHS)
        self.assertEqual(run.result(), expected)

    def test_an_end_in_validation_falls_back_on_the_epochs_checkpoint(self):
        expected = _Run(self._directory("whole")).fit().result()
        directory = self._directory("pieces")
        end = mock.Mock(side_effect=interruption.Interrupted("SIGINT", 130))
        stop = keras.callbacks.LambdaCallback()
        stop.on_test_begin = end
        with self.assertRaises(interruption.Interrupted):
            _Run(directory, every_sec=60.0).fit(stop)
        run = _Run(directory, every_sec=60.0).fit()
        self.assertEqual(run.first_step, _STEPS)
        self.assertEqual(run.result(), expected)

    def test_by_time_and_at_the_end(self):
        with mock.patch.object(checkpoint, "write") as write:
            _Run(self.directory, every_sec=60.0).fit()
        steps = [call.args[1].step for call in write.call_args_list]
        self.assertEqual(steps[-1], 6)
        self.assertContainsSubset(steps, [3, 6])
        with mock.patch.object(checkpoint, "write") as write:
            _Run(self.directory, every_sec=0.0).fit()
        steps = [call.args[1].step for call in write.call_args_list]
        self.assertEqual(steps, [1, 2, 3, 4, 5, 6])

    def test_by_the_clock(self):
        clock = mock.Mock(return_value=0.0)

        def tick(batch, logs):  # after each step
            time.sleep(0.05)  # for the writer to be done
            clock.return_value += 10.0

        with (
            mock.patch("time.monotonic", clock),
            mock.patch.object(checkpoint, "write") as write,
        ):
            run = _Run(self.directory, every_sec=20.0)
            run.fit(keras.callbacks.LambdaCallback(on_train_batch_end=tick))
        steps = [call.args[1].step for call in write.call_args_list]
        self.assertEqual(steps, [3, 5, 6])  # 3 and 6: ends of epochs

    def test_its_own_time_is_no_training(self):
        clock = mock.Mock(return_value=0.0)
        arrays_of = checkpoint.capture

        def capture(model):
            clock.return_value += 100.0
            return arrays_of(model)

        def tick(batch, logs):
            clock.return_value += 1.0

        run = _Run(self.directory, every_sec=0.0)
        with (
            mock.patch("time.perf_counter", clock),
            mock.patch.object(checkpoint, "capture", capture),
        ):
            run.fit(keras.callbacks.LambdaCallback(on_train_batch_begin=tick))
        self.assertEqual(run.throughput.train_sec, 6.0)
        self.assertEqual(clock.return_value, 606.0)

    def test_a_slow_disk_does_not_stop_the_training(self):
        is_step_5_done = threading.Event()
        written = []

        def write(directory, checkpoint_):
            self.assertTrue(is_step_5_done.wait(timeout=60))
            written.append(checkpoint_.step)

        def after(batch, logs):
            if run.model.optimizer.iterations == 5:
                is_step_5_done.set()

        with mock.patch.object(checkpoint, "write", write):
            run = _Run(self.directory, every_sec=1e-9)
            run.fit(keras.callbacks.LambdaCallback(on_train_batch_end=after))
        self.assertEqual(written, [1, 6])

    def test_divergence_keeps_the_last_good_one(self):
        with self._stop_after(2), self.assertRaises(interruption.Interrupted):
            _Run(self.directory).fit()
        with self.assertRaisesRegex(
            UserError,
            "the loss became nan in step 3; the checkpoint of step 2 is kept. "
            ".*--restart.*--learning_rate",
        ):
            _Run(self.directory).fit(x=float("nan"))
        self.assertEqual(self._steps(), [1, 2])

    def test_weights_that_are_not_finite_are_not_saved(self):
        spoil = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: run.model.optimizer.assign(
                run.model.optimizer.variables[-1], [np.inf, 0]
            )
        )
        run = _Run(self.directory)
        with self.assertRaisesRegex(
            UserError, "not finite .* step 1; there is"
        ):
            run.fit(spoil)
        self.assertEqual(self._steps(), [])

    def test_what_can_not_be_written_ends_the_training(self):
        with self._stop_after(2), self.assertRaises(interruption.Interrupted):
            _Run(self.directory).fit()
        error = OSError(28, "No space left on device")
        with (
            mock.patch.object(pathlib.Path, "write_bytes", side_effect=error),
            self.assertRaisesRegex(
                UserError,
                r"of step 3 can't be written \(No space left on device\); the "
                "checkpoint of step 2 is kept",
            ),
        ):
            _Run(self.directory).fit()
        self.assertEqual(self._steps(), [1, 2])
        self.assertEqual(_Run(self.directory).fit().first_step, 2)

    def test_a_checkpoint_of_another_run_is_refused(self):
        _Run(self.directory).fit()
        for run in {"settings": {"seed": 2}}, {"settings": {}, "data": 1}:
            with self.assertRaisesRegex(
                UserError, "not of this run.*--restart"
            ):
                _Run(self.directory, run=run).fit()

    def test_a_record_that_is_none_is_refused(self):
        run = _Run(self.directory)
        arrays = checkpoint.capture(run.model)
        good = {
            "settings": {},
            "variables": checkpoint.describe(run.model),
            "made_by": {"keras": "3"},
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

    def test_other_versions_are_a_warning(self):
        with self._stop_after(2), self.assertRaises(interruption.Interrupted):
            _Run(self.directory).fit()
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            run = _Run(self.directory, made_by={"keras": "4"}).fit()
        self.assertIn("keras: 3 -> 4", logs.output[0])
        self.assertEqual(run.first_step, 2)

    def test_without_a_whole_one_it_starts_over_and_says_so(self):
        with self._stop_after(2), self.assertRaises(interruption.Interrupted):
            _Run(self.directory).fit()
        for path in self.directory.glob("step-*"):
            os.truncate(path, 100)
        with self.assertLogs("cifar10_tf") as logs:
            run = _Run(self.directory).fit()
        self.assertLen(logs.output, 3)
        self.assertIn("starting over", logs.output[-1])
        self.assertEqual(run.first_step, 0)


if __name__ == "__main__":
    absltest.main()

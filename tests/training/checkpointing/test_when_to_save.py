import functools
import pathlib
import threading
import time
from unittest import mock

import keras
import numpy as np
import pytest
from absl.testing import absltest, parameterized

from cifar10_tf.runs import checkpoint
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError
from cifar10_tf.training import loop
from cifar10_tf.training.callbacks.throughput import Throughput
from tests.training.checkpointing.small_run import (
    EPOCHS,
    STEPS,
    SmallRun,
    stop_after,
)


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

    def test_a_validation_that_is_not_finite_is_divergence(self):
        run = SmallRun(self.directory)
        # Before the others, as if the validation had had it.
        run.throughput.on_epoch_end = lambda epoch, logs: (
            Throughput.on_epoch_end(run.throughput, epoch, logs),
            logs.update(val_loss=float("inf")),
        )
        with self.assertRaisesRegex(UserError, "val_loss became inf by step 3"):
            run.fit()

    @parameterized.parameters("float32", "mixed_float16")
    @pytest.mark.slow
    def test_however_often_it_is_stopped_it_ends_with_the_same_bits(
        self, policy
    ):
        keras.config.set_dtype_policy(policy)
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        expected = SmallRun(self._directory("whole")).fit().result()
        directory = self._directory("pieces")
        for step in range(1, STEPS * EPOCHS + 1):
            run = SmallRun(directory, every_sec=60.0)
            with (
                stop_after(1),
                self.assertRaisesRegex(
                    interruption.Interrupted, f"SIGTERM after step {step}"
                ),
            ):
                run.fit()
            self.assertEqual(run.first_step, step - 1)
        run = SmallRun(directory).fit()
        self.assertEqual(run.first_step, STEPS * EPOCHS)
        self.assertEqual(run.result(), expected)

    def test_an_end_in_validation_falls_back_on_the_epochs_checkpoint(self):
        expected = SmallRun(self._directory("whole")).fit().result()
        directory = self._directory("pieces")
        end = mock.Mock(side_effect=interruption.Interrupted("SIGINT", 130))
        stop = keras.callbacks.LambdaCallback()
        stop.on_test_begin = end
        with self.assertRaises(interruption.Interrupted):
            SmallRun(directory, every_sec=60.0).fit(stop)
        run = SmallRun(directory, every_sec=60.0).fit()
        self.assertEqual(run.first_step, STEPS)
        self.assertEqual(run.result(), expected)

    def test_by_time_and_at_the_end(self):
        with mock.patch.object(checkpoint, "write") as write:
            SmallRun(self.directory, every_sec=60.0).fit()
        steps = [call.args[1].step for call in write.call_args_list]
        self.assertEqual(steps[-1], 6)
        self.assertContainsSubset(steps, [3, 6])
        with mock.patch.object(checkpoint, "write") as write:
            SmallRun(self.directory, every_sec=0.0).fit()
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
            run = SmallRun(self.directory, every_sec=20.0)
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

        run = SmallRun(self.directory, every_sec=0.0)
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
            run = SmallRun(self.directory, every_sec=1e-9)
            run.fit(keras.callbacks.LambdaCallback(on_train_batch_end=after))
        self.assertEqual(written, [1, 6])

    def test_divergence_keeps_the_last_good_one(self):
        with stop_after(2), self.assertRaises(interruption.Interrupted):
            SmallRun(self.directory).fit()
        with self.assertRaisesRegex(
            UserError,
            "the loss became nan by step 3; the checkpoint of step 2 is kept. "
            ".*--restart.*--learning_rate",
        ):
            SmallRun(self.directory).fit(x=float("nan"))
        self.assertEqual(self._steps(), [1, 2])

    def test_a_loss_that_is_not_finite_is_not_saved(self):
        # Loss scaling leaves out its steps: the weights stay finite.
        keras.config.set_dtype_policy("mixed_float16")
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        on_gpu = functools.partial(loop.fit, read_every=50)
        with (
            mock.patch.object(loop, "fit", on_gpu),
            self.assertRaisesRegex(UserError, "the loss became nan by step 1;"),
        ):
            SmallRun(self.directory).fit(x=float("nan"))
        self.assertEqual(self._steps(), [])

    def test_weights_that_are_not_finite_are_not_saved(self):
        spoil = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: run.model.optimizer.assign(
                run.model.optimizer.variables[-1], [np.inf, 0]
            )
        )
        run = SmallRun(self.directory)
        with self.assertRaisesRegex(
            UserError, "not finite .* step 1; there is"
        ):
            run.fit(spoil)
        self.assertEqual(self._steps(), [])

    def test_what_can_not_be_written_ends_the_training(self):
        with stop_after(2), self.assertRaises(interruption.Interrupted):
            SmallRun(self.directory).fit()
        error = OSError(28, "No space left on device")
        with (
            mock.patch.object(pathlib.Path, "write_bytes", side_effect=error),
            self.assertRaisesRegex(
                UserError,
                r"of step 3 can't be written \(No space left on device\); the "
                "checkpoint of step 2 is kept",
            ),
        ):
            SmallRun(self.directory).fit()
        self.assertEqual(self._steps(), [1, 2])
        self.assertEqual(SmallRun(self.directory).fit().first_step, 2)


if __name__ == "__main__":
    absltest.main()

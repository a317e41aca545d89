"""What a run leaves that does not come to its end, in this process."""

import os
import shutil
import threading
import time
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.evaluation import evaluation
from cifar10_tf.runs import checkpoint, saved_model
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.settings.options import make_options
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError
from cifar10_tf.training import fitting, loop, trainer
from cifar10_tf.training.checkpointing.when_to_save import Checkpoints
from tests import cases, fakes

_NETWORK = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])


class StopTest(cases.MachineTestCase):
    def setUp(self):
        super().setUp()
        self.pets = fakes.write_folder(
            self.cache / "old" / "pets",
            {"train/cat": 5, "train/dog": 5, "test/cat": 1, "test/dog": 1},
        )
        self.run_dir = RunDirectory(self.cache / "run")
        self.enter_context(mock.patch.object(fitting, "_provenance"))
        self.enter_context(
            mock.patch.object(trainer, "compiled_model", return_value=_NETWORK)
        )
        self.addCleanup(interruption.release)

    def _train(self, fit):
        """Trains as far as `fit` goes, in place of the loop."""
        config = make_config(
            dataset=f"folder:{self.pets}", run_dir=str(self.run_dir.path)
        )
        with mock.patch.object(loop, "fit", fit):
            trainer.train(config, make_options())

    def test_the_config_says_where_the_data_are_before_a_checkpoint(self):
        def stop(*args, **kwargs):
            raise interruption.Interrupted("SIGTERM", 143)

        for place in "old", "new":
            moved = self.cache / place / "pets"
            if moved != self.pets:
                self.pets = shutil.move(self.pets, moved)
            with self.assertRaises(interruption.Interrupted) as caught:
                self._train(stop)
            self.assertFalse(caught.exception.can_go_on)
            config = self.run_dir.read_config()
            self.assertEqual(config.dataset, f"folder:{moved}")

    def test_what_is_being_written_is_waited_for(self):
        began = threading.Event()
        others = []
        write_now = checkpoint.write

        def write(directory, saved):
            began.set()
            time.sleep(0.3)
            with self.assertRaisesRegex(UserError, "another process"):
                RunDirectory(self.run_dir.path).set_aside()
            others.append("kept out")
            write_now(directory, saved)

        with (
            mock.patch.object(checkpoint, "write", write),
            self.assertRaisesRegex(
                interruption.Interrupted, "SIGINT"
            ) as caught,
        ):
            self._train(_stop_in_validation(began))
        self.assertEqual(others, ["kept out"])
        self.assertTrue(caught.exception.can_go_on)
        saved = checkpoint.newest(self.run_dir.checkpoints)
        self.assertEqual(saved.step, 7)

    def test_it_is_the_stop_that_is_told_of_though_the_disk_is_full(self):
        began = threading.Event()

        def write(directory, saved):
            began.set()
            raise OSError(28, "No space left on device")

        with (
            mock.patch.object(checkpoint, "write", write),
            self.assertRaises(interruption.Interrupted) as caught,
        ):
            self._train(_stop_in_validation(began))
        self.assertFalse(caught.exception.can_go_on)
        self.assertEmpty(os.listdir(self.run_dir.checkpoints))

    def test_out_of_memory_after_the_training_does_not_cost_the_training(self):
        no_room = tf.errors.ResourceExhaustedError(None, None, "no room")
        for module, name in (
            (evaluation, "evaluate"),
            (saved_model, "save"),
        ):
            with (
                mock.patch.object(saved_model, "save"),
                mock.patch.object(module, name, side_effect=no_room),
                self.assertRaisesRegex(
                    UserError, "memory .* without --restart"
                ) as caught,
            ):
                self._train(lambda *args, **kwargs: None)
            self.assertNotIn("batch_size", str(caught.exception))

    def test_out_of_memory_in_the_training_asks_for_smaller_batches(self):
        with self.assertRaisesRegex(
            UserError, "--batch_size=256; .* with --restart"
        ):
            self._train(mock.Mock(side_effect=MemoryError))


def _stop_in_validation(began: threading.Event):
    """Returns a loop with a signal while a checkpoint is being written."""

    def fit(*args, callbacks, **kwargs):
        (saves,) = (c for c in callbacks if isinstance(c, Checkpoints))
        saves._writer.begin(
            Checkpoint(7, [np.zeros(3)], {}), captured_at=time.monotonic()
        )
        began.wait(60)
        raise interruption.Interrupted("SIGINT", 130)

    return fit


if __name__ == "__main__":
    absltest.main()

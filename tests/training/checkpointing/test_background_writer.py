import pathlib
import threading
import time
from unittest import mock

import numpy as np
from absl.testing import absltest

from cifar10_tf.runs import checkpoint
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.checkpointing.background_writer import CheckpointWriter


class CheckpointWriterTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def _writer(self, kept_step=None):
        writer = CheckpointWriter(self.directory, kept_step)
        self.addCleanup(writer.close)
        return writer

    def _begin(self, writer, step):
        writer.begin(Checkpoint(step, [np.zeros(3)], {}), time.monotonic())

    def _full_disk(self):
        error = OSError(28, "No space left on device")
        return mock.patch.object(checkpoint, "write", side_effect=error)

    def test_what_is_waited_for_is_on_the_disk(self):
        writer = self._writer()
        self.assertEqual(writer.kept(), "there is no checkpoint yet")
        self._begin(writer, 1234)
        writer.wait()
        self.assertFalse(writer.is_busy)
        self.assertEqual(checkpoint.newest(self.directory).step, 1234)
        self.assertEqual(writer.kept(), "the checkpoint of step 1,234 is kept")
        self.assertGreater(writer.cost_sec, 0)

    def test_it_writes_beside_the_training(self):
        may_go_on = threading.Event()
        writer = self._writer()
        with mock.patch.object(
            checkpoint, "write", side_effect=lambda *_: may_go_on.wait(60)
        ) as write:
            self._begin(writer, 5)
            self.assertTrue(writer.is_busy)
            writer.check()  # doesn't wait
            self.assertTrue(writer.is_busy)
            may_go_on.set()
            writer.close()
        write.assert_called_once()
        self.assertFalse(writer.is_busy)

    def test_what_is_there_already_is_kept(self):
        self.assertEqual(
            self._writer(7).kept(), "the checkpoint of step 7 is kept"
        )

    def test_leftovers_of_another_process_are_removed(self):
        leftover = self.directory / f".new-step-00000005-{'0a' * 16}.zip"
        leftover.write_bytes(b"half")
        self._writer()
        self.assertFalse(leftover.exists())

    def test_a_failure_is_told_by_whatever_comes_next(self):
        for ask in ("wait", "kept", "close"):
            writer = self._writer(7)
            with (
                self._full_disk(),
                self.assertRaisesRegex(
                    UserError,
                    r"of step 8 can't be written \(No space left on device\); "
                    "the checkpoint of step 7 is kept. Make room",
                ),
            ):
                self._begin(writer, 8)
                getattr(writer, ask)()

    def test_a_failure_is_told_by_a_check_once_it_is_known(self):
        writer = self._writer()
        with self._full_disk():
            self._begin(writer, 8)
            while not writer._writing.done():
                time.sleep(0.01)
        with self.assertRaisesRegex(UserError, "there is no checkpoint yet"):
            writer.check()
        writer.check()  # once


if __name__ == "__main__":
    absltest.main()

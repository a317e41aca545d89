"""Writing checkpoints beside the training."""

import concurrent.futures
import pathlib
import time
from typing import Self

from cifar10_tf.runs import checkpoint, checkpoint_files
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError


class CheckpointWriter:
    """Writes checkpoints on a thread of its own, one at a time.

    A `with` of it ends when nothing is being written any more.

    Args:
        directory: of the files.
        kept_step: of the newest that is there already.

    Attributes:
        cost_sec: from the capture to the disk, of the newest.
    """

    def __init__(self, directory: pathlib.Path, kept_step: int | None = None):
        checkpoint_files.remove_unfinished(directory)
        self._directory = directory
        self._kept_step = kept_step
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self._writing: concurrent.futures.Future | None = None
        self.cost_sec = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        # Whoever takes the run up next would remove what is half written.
        interruption.hold()
        try:
            self.close()
        except UserError:
            if not error:
                raise
        if not error:  # else the signal may be what is on its way
            interruption.release()

    @property
    def is_busy(self) -> bool:
        """Whether one is being written, or was and has not been waited for."""
        return self._writing is not None

    def begin(self, saved: Checkpoint, captured_at: float) -> None:
        """Begins to write; the one before must have been waited for.

        Args:
            captured_at: by `time.monotonic`.
        """
        self._writing = self._thread.submit(self._write, saved, captured_at)

    def check(self) -> None:
        """Tells of one that could not be written; never waits.

        Raises:
            UserError: as of `wait`.
        """
        if self._writing and self._writing.done():
            self.wait()

    def wait(self) -> None:
        """Waits until the one that is being written, if any, is on the disk.

        Raises:
            UserError: it can't be written.
        """
        if self._writing:
            writing, self._writing = self._writing, None
            writing.result()

    def close(self) -> None:
        """Waits, as `wait` does, and ends the thread."""
        self._thread.shutdown()
        self.wait()

    def kept(self) -> str:
        """Says which checkpoint is on the disk, once it has been written."""
        self.wait()
        return self._kept()

    def _kept(self) -> str:
        if self._kept_step is None:
            return "there is no checkpoint yet"
        return f"the checkpoint of step {self._kept_step:,} is kept"

    def _write(self, saved: Checkpoint, captured_at: float) -> None:
        try:
            checkpoint.write(self._directory, saved)
        except OSError as error:
            raise UserError(
                f"the checkpoint of step {saved.step:,} can't be written "
                f"({error.strerror or error}); {self._kept()}. Make room and "
                "run the same command again (without --restart)."
            ) from error
        self._kept_step = saved.step
        self.cost_sec = time.monotonic() - captured_at

"""The lock of a run's directory: a process that trains there holds it."""

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator

import filelock

from cifar10_tf.system.errors import UserError


class RunLock:
    """A file that one process holds, and the system releases when it ends.

    Whoever removes the file holds it: else it might be somebody's by then, and
    the next one would make and hold another.
    """

    def __init__(self, directory: pathlib.Path):
        self.path = directory / ".lock"
        self._file = filelock.FileLock(self.path)

    def acquire(self, max_sec: float = 0.0) -> None:
        """Takes it, and makes the file where there is none.

        Args:
            max_sec: how long it may take.

        Raises:
            UserError: another process holds it, or it can't be made.
        """
        try:
            self._file.acquire(max_sec, poll_interval=0.01)
        except filelock.Timeout as error:
            raise self.busy() from error
        except PermissionError as error:
            raise UserError(
                f"{self.path.parent} can't be written ({error.strerror}); "
                "choose another --run_dir."
            ) from error

    def release(self) -> None:
        """Gives it back; does nothing where it is not held."""
        self._file.release()

    @contextlib.contextmanager
    def held_if_there(self) -> Iterator[None]:
        """Holds it meanwhile; without the file nobody does, and none is made.

        Raises:
            UserError: another process holds it.
        """
        if not os.path.lexists(self.path):
            yield
            return
        # Several workers that look at once are done with it in no time.
        self.acquire(max_sec=0.5)
        try:
            yield
        finally:
            self.release()

    def wait(self, max_sec: float) -> None:
        """Waits until nobody holds it, so long at most."""
        end = time.monotonic() + max_sec
        while time.monotonic() < end:
            try:
                with self.held_if_there():
                    return
            except UserError:
                time.sleep(0.1)

    def busy(self) -> UserError:
        """Returns what is said of a directory that another process is in."""
        return UserError(
            f"another process is training in {self.path.parent}; wait for it, "
            "or choose another --run_dir."
        )

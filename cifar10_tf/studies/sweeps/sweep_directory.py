"""What a sweep leaves behind: its trials' runs, their journal and two files."""

import contextlib
import os
import re
from collections.abc import Iterator

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

# What a process that is killed may leave, too.
_OURS = re.compile(
    r"trial(0|[1-9]\d*)|(\.new-)?sweep\.(json|html)|\.lock"
    r"|optuna-journal\.log(\.lock.*)?",
    re.ASCII,
)


class SweepDirectory:
    """The files of one sweep, and the directories of its trials."""

    def __init__(self, path: str | os.PathLike):
        self.path = paths.absolute(path)
        self.journal = self.path / "optuna-journal.log"
        self.summary = self.path / "sweep.json"
        self.report = self.path / "sweep.html"
        self._lock = RunLock(self.path)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Makes the directory, if need be, and holds it meanwhile.

        Raises:
            UserError: what is here is not a sweep's, another process holds it,
                or it can't be written.
        """
        self._check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise UserError(
                f"{self.path} can't be written ({error.strerror}); choose "
                "another --run_dir."
            ) from error
        try:
            yield
        finally:
            self._lock.path.unlink(missing_ok=True)
            self._lock.release()

    def _check(self) -> None:
        if RunDirectory(self.path).config.exists():
            raise UserError(
                f"{self.path} holds a run, not a sweep; choose another "
                "--run_dir."
            )
        names = os.listdir(self.path) if self.path.is_dir() else []
        if theirs := [name for name in names if not _OURS.fullmatch(name)]:
            raise UserError(
                f"{self.path / min(theirs)} is not of a sweep, and is left "
                "alone; choose another --run_dir."
            )

    def mend_journal(self) -> None:
        """Takes away what a process has left half done that was killed.

        Optuna waits 30 s for whoever holds the journal, and can't read on after
        a line that is cut off.
        """
        for lock in self.path.glob(f"{self.journal.name}.lock*"):
            lock.unlink()
        if self.journal.exists():
            text = self.journal.read_bytes()
            os.truncate(self.journal, text.rfind(b"\n") + 1)

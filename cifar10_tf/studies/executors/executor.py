"""What makes runs: the one interface of those here and on a cluster."""

import dataclasses
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from cifar10_tf.settings.config import Config
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError


@dataclasses.dataclass(frozen=True)
class Job:
    """A run that is to be made, or gone on with, in a process of its own.

    It is the ordinary command, and so the run is the same to the bit as when
    it is made alone, and the memory of its input pipeline is given back.

    Attributes:
        config: with a dataset that `resolve_dataset` returned and a run_dir.
        run_flags: of the process, as "--checkpoint_every_sec=10".
        log: the file that what it says is appended to; None: it is shown.
        is_hopeless: asked while it runs; once true, the run is saved and ended.
    """

    config: Config
    run_flags: Sequence[str] = ()
    log: str | None = None
    is_hopeless: Callable[[], bool] | None = None

    def arguments(self, max_minutes: float) -> list[str]:
        """Returns the command line behind the program; 0 minutes: no limit."""
        return [
            "train",
            *self.config.to_flags(),
            *self.run_flags,
            f"--max_minutes={max_minutes}",
        ]


class Executor(Protocol):
    """Makes runs."""

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        """Yields each job with the status of its process, as they end.

        A job is taken when there is room for it, so that it may depend on what
        has been yielded before. Once the iterator is closed, no process runs.
        The status of one that a signal ended is negative.

        Raises:
            Interrupted: this process is, or there is no time left.
        """
        ...


def check_time() -> None:
    """Checks that there is time left.

    Raises:
        Interrupted: there is not, or there was a signal.
    """
    if stop := interruption.due():
        raise stop


def check_status(job: Job, status: int) -> None:
    """Checks that a run has come to its end.

    Raises:
        UserError: it has failed.
        Interrupted: it was.
    """
    if not status:
        return
    if status in interruption.STATUSES:
        raise interruption.Interrupted(
            interruption.STATUSES[status], status, can_go_on=True
        )
    raise UserError(
        f"the run in {job.config.run_dir} ended with "
        f"{describe_status(status)}, and the others with it; run the same "
        "command, without --restart, to go on from there."
    )


def describe_status(status: int) -> str:
    """Returns the status of a process in words."""
    if status < 0:
        return f"signal {-status} ({signal.Signals(-status).name})"
    return f"status {status}"

"""One training by several workers, started again together where one is lost."""

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TextIO

from cifar10_tf.studies.executors import run_process
from cifar10_tf.studies.executors.executor import Job, describe_status
from cifar10_tf.studies.executors.worker_process import Look
from cifar10_tf.system import interruption
from cifar10_tf.system.cluster import Cluster

# How often they are started again, as by deploy/slurm.sh.
_MAX_AGAIN = 20

_POLL_SEC = 0.5

# From one's end, or a signal, to that of the others, who take up to 15.
_END_SEC, _SAVE_SEC = 30.0, 16.0

# Of what others than the first worker say, for the case that they fail.
_TAIL_BYTES = 4000

# Of what is gone with its machine.
_LOST = -signal.SIGKILL


class WorkerLostError(Exception):
    """A worker is gone with its machine.

    Attributes:
        index: of the worker.
    """

    def __init__(self, index: int):
        super().__init__(f"worker {index} is gone with its machine")
        self.index = index


class Worker(Protocol):
    """A place where a worker's process runs.

    All raise WorkerLostError.
    """

    def address(self) -> str:
        """Returns its HOST:PORT for the others."""
        ...

    def start(self, arguments: Sequence[str], **others) -> None:
        """Starts the process, as `WorkerProcess.start` does."""
        ...

    def look(self, wait_sec: float) -> Look:
        """Returns what has happened, as `WorkerProcess.look` does."""
        ...

    def terminate(self) -> None:
        """Asks the process to save and end."""
        ...


def train(
    job: Job,
    placed: Callable[[], AbstractContextManager[Sequence[Worker]]],
) -> int:
    """Has all workers train, and returns the status of the training.

    A status of 128 or above, and the end of a machine, mean "start me again":
    all are, and go on from the last checkpoint. What the first worker says is
    shown as it comes.

    Args:
        placed: gives the workers their places, in which nothing runs once it is
            left.

    Raises:
        UserError, Interrupted: as of `placed`.
    """
    # Longer than the workers' own.
    interruption.limit_sec = _SAVE_SEC + 4
    for num_again in range(_MAX_AGAIN + 1):
        with placed() as workers:
            index, status = _Attempt(job, workers).run()
        if status and interruption.is_signalled():
            return interruption.due().status
        if 0 <= status < 128 or num_again == _MAX_AGAIN:
            break
        print(
            f"worker {index} ended with {describe_status(status)}: all start "
            f"again, from the last checkpoint ({num_again + 1} of at most "
            f"{_MAX_AGAIN} times)",
            file=sys.stderr,
            flush=True,
        )
    return status if status >= 0 else 128 - status


class _Attempt:
    """The processes of all workers, from their start to their end."""

    def __init__(self, job: Job, workers: Sequence[Worker]):
        self._job, self._workers = job, workers
        # Of those that have ended, in that order.
        self._statuses: dict[int, int] = {}
        self._tails = [b""] * len(workers)
        self._end = math.inf
        self._is_told = False

    def run(self) -> tuple[int, int]:
        """Returns who was the first to end badly, and how; or (0, 0)."""
        try:
            self._start()
        except WorkerLostError as lost:
            return lost.index, _LOST
        num = len(self._workers)
        while len(self._statuses) < num and time.monotonic() < self._end:
            self._look()
        # Without any, not even one has saved and ended in time.
        default = 0 if len(self._statuses) == num else _LOST
        index = next((i for i, s in self._statuses.items() if s), 0)
        status = self._statuses.get(index) or default
        # Where both say the same, the first worker has said it.
        if self._statuses.get(0) != status:
            _show(sys.stderr, self._tails[index])
        return index, status

    def _start(self) -> None:
        addresses = tuple(worker.address() for worker in self._workers)
        minutes = run_process.minutes_left()
        for index, worker in enumerate(self._workers):
            worker.start(
                run_process.command(self._job, minutes)[1:],
                tf_config=Cluster(addresses, index).tf_config(),
                run_dir=self._job.config.run_dir,
                is_chief=index == 0,
                cwd=os.getcwd(),
                num_threads=os.environ.get(run_process.NUM_THREADS),
            )

    def _look(self) -> None:
        wait_sec = _POLL_SEC  # for the first of those that run
        for index, worker in enumerate(self._workers):
            if index in self._statuses:
                continue
            try:
                look = worker.look(wait_sec)
            except WorkerLostError:
                look = Look(b"", b"", _LOST)
            self._take(index, look)
            wait_sec = 0
        if interruption.is_signalled() and not self._is_told:
            self._tell()

    def _take(self, index: int, look: Look) -> None:
        if index == 0:
            _show(sys.stdout, look.stdout)
            _show(sys.stderr, look.stderr)
        else:
            tail = self._tails[index] + look.stdout + look.stderr
            self._tails[index] = tail[-_TAIL_BYTES:]
        if look.status is not None:
            self._statuses[index] = look.status
        if look.status:
            self._end = min(self._end, time.monotonic() + _END_SEC)

    def _tell(self) -> None:
        """Passes a signal on, as SIGTERM: Ray's processes block SIGINT."""
        self._is_told = True
        self._end = min(self._end, time.monotonic() + _SAVE_SEC)
        for index, worker in enumerate(self._workers):
            # A lost one is seen at the next look.
            with contextlib.suppress(WorkerLostError):
                if index not in self._statuses:
                    worker.terminate()


def _show(stream: TextIO, said: bytes) -> None:
    if said:
        stream.flush()
        stream.buffer.write(said)
        stream.buffer.flush()

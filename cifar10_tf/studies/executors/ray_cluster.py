"""Runs on a Ray cluster, as many at a time as it has room for.

Ray places processes and starts them again where a machine dies. What computes
is the ordinary command, so a run is the same as without Ray.
"""

import contextlib
import dataclasses
import logging
import os
import pathlib
import signal
import socket
from collections.abc import Iterable, Iterator, Mapping

import ray

from cifar10_tf.studies.executors import ray_task, run_process
from cifar10_tf.studies.executors.executor import Job, check_time
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is phoned home
    # A run does not outlive Ray's process, however that ends.
    "RAY_process_group_cleanup_enabled": "1",
}

_CONNECT_SEC = 5

# Between two looks: at signals, at nodes, and whether there is any hope.
_POLL_SEC = 0.5

# How often a run is started again that was killed, as for want of memory. What
# dies with its machine does not count.
_MAX_AGAIN = 3


class RayCluster:
    """Makes runs on the machines of a cluster, which share a file system.

    Each has a GPU for itself where the cluster has any; else a machine.

    Args:
        address: of the cluster, as of `ray.init`; empty: one is started here.
    """

    def __init__(self, address: str = ""):
        self._address = address

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        """Yields jobs with their statuses, as `Executor.run` does.

        Raises:
            UserError: there is no cluster, or it can't make a run.
        """
        interruption.limit_sec = run_process.LIMIT_SEC
        # What a handler raises would be lost in Ray's native code.
        interruption.hold()
        try:
            with connected(self._address):
                yield from _Runs(iter(jobs)).run()
        finally:
            interruption.release()


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Within it, Ray's cluster at an address is there, or one started here.

    Raises:
        UserError: there is none.
    """
    os.environ.update(_ENVIRONMENT)
    here = {"address": "local", "include_dashboard": False}
    try:
        _check_reachable(address)
        with interruption.keeping_handlers():
            ray.init(
                **({"address": address} if address else here),
                logging_level=logging.ERROR,
            )
    except Exception as error:  # of many kinds
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(
            f"there is no Ray cluster at {address or 'this machine'}: "
            f"{lines[0]}"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Checks that somebody listens there: Ray tries for four minutes.

    Raises:
        OSError: nobody does.
    """
    host, is_given, port = address.rpartition("://")[2].rpartition(":")
    if is_given and port.isdecimal():
        socket.create_connection((host, int(port)), _CONNECT_SEC).close()


@dataclasses.dataclass
class _Run:
    """A run that is under way, in the how manieth attempt."""

    job: Job
    num_again: int = 0
    is_cancelled: bool = False


class _Runs:
    """The runs that are under way, by the task of each."""

    def __init__(self, jobs: Iterator[Job]):
        self._jobs, self._has_more = jobs, True
        self._under_way: dict[ray.ObjectRef, _Run] = {}
        self._kind, self._number = _needs(resources())
        self._make = ray.remote(
            max_retries=-1,  # where its machine dies, however often
            **{f"num_{self._kind.lower()}s": self._number},
        )(ray_task.make)

    def run(self) -> Iterator[tuple[Job, int]]:
        """Yields jobs with their statuses; at the end no process runs."""
        try:
            self._take()
            while self._under_way:
                check_time()
                ended, _ = ray.wait(
                    list(self._under_way), num_returns=1, timeout=_POLL_SEC
                )
                for task in ended:
                    run = self._under_way.pop(task)
                    status = _status(task, run.job)
                    if self._is_to_go_on(run, status):
                        self._start(_Run(run.job, run.num_again + 1))
                    else:
                        yield run.job, status
                self._cancel(only_hopeless=True)
                self._take()
        finally:
            self._cancel()
            if self._under_way:
                tasks = list(self._under_way)
                ray.wait(
                    tasks, num_returns=len(tasks), timeout=run_process.LIMIT_SEC
                )

    def _take(self) -> None:
        """Takes as many jobs as there is room for."""
        while self._has_more and len(self._under_way) < self._room():
            job = next(self._jobs, None)
            self._has_more = job is not None
            if job:
                self._start(_Run(job))

    def _room(self) -> int:
        """Returns how many runs the machines take that are there now."""
        numbers = (r.get(self._kind, 0) // self._number for r in resources())
        return max(1, int(sum(numbers)))

    def _start(self, run: _Run) -> None:
        run_dir = pathlib.Path(run.job.config.run_dir)
        # The name stands before what the run says.
        named = self._make.options(name="/".join(run_dir.parts[-2:]))
        task = named.remote(
            run_process.command(run.job)[1:],
            log=run.job.log,
            run_dir=str(run_dir),
            cwd=os.getcwd(),
            num_threads=os.environ.get(run_process.NUM_THREADS),
        )
        self._under_way[task] = run

    def _cancel(self, *, only_hopeless: bool = False) -> None:
        for task, run in self._under_way.items():
            is_hopeless = run.job.is_hopeless or (lambda: False)
            if run.is_cancelled or (only_hopeless and not is_hopeless()):
                continue
            run.is_cancelled = True
            ray.cancel(task)

    def _is_to_go_on(self, run: _Run, status: int) -> bool:
        """Tells whether a run was ended, by somebody else, that can go on."""
        was_ended = status < 0 or status in interruption.STATUSES
        return was_ended and not run.is_cancelled and run.num_again < _MAX_AGAIN


def resources() -> list[dict[str, float]]:
    """Returns what each machine has that is there now, by its name for Ray."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _needs(resources: Iterable[Mapping[str, float]]) -> tuple[str, float]:
    """Returns what a run asks for: a GPU, or all CPUs of the least machine."""
    if any(r.get("GPU") for r in resources):
        return "GPU", 1
    return "CPU", min((r["CPU"] for r in resources if r.get("CPU")), default=1)


def _status(task: ray.ObjectRef, job: Job) -> int:
    """Returns the status of the process of a task that has ended."""
    try:
        return ray.get(task)
    except ray.exceptions.TaskCancelledError:
        return -signal.SIGTERM
    except ray.exceptions.RayError as error:
        *_, last = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"Ray can't make the run in {job.config.run_dir}: {last}"
        ) from error

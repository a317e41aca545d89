"""Runs on this machine, one after the other: one alone uses all of it."""

import subprocess
from collections.abc import Iterable, Iterator

from cifar10_tf.studies.executors import run_process
from cifar10_tf.studies.executors.executor import Job, check_time
from cifar10_tf.system import interruption

# Between two questions whether there is any hope.
_POLL_SEC = 0.5


class Processes:
    """Makes one run after the other, each in a process of its own."""

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        """Yields jobs with their statuses, as `Executor.run` does."""
        for job in jobs:
            check_time()
            yield job, _make(job)


def _make(job: Job) -> int:
    """Runs a process and returns its status; a signal's is negative.

    However this one is asked to end, the other is given time to save what it
    has, and does not outlive it.
    """
    minutes = run_process.minutes_left()
    interruption.limit_sec = run_process.LIMIT_SEC
    interruption.hold()  # until there is somebody to pass a signal on to
    process = run_process.start(run_process.command(job, minutes), log=job.log)
    try:
        interruption.release()
        return _wait(process, job)
    finally:
        interruption.hold()  # nothing cuts this short
        # Nothing where it has ended, or got a Ctrl-C at the terminal as well.
        process.terminate()
        process.wait()
        interruption.release()


def _wait(process: subprocess.Popen, job: Job) -> int:
    if job.is_hopeless is None:
        return process.wait()
    while not job.is_hopeless():
        try:
            return process.wait(_POLL_SEC)
        except subprocess.TimeoutExpired:
            continue
    process.terminate()
    return process.wait()

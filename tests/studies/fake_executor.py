"""An executor that makes runs by a function, in this process."""

from collections.abc import Callable, Iterable, Iterator

from cifar10_tf.studies.executors.executor import Job


class FakeExecutor:
    """Makes one run after the other; keeps the jobs that it got.

    Args:
        make: does what the process of a run would, and returns its status.
    """

    def __init__(self, make: Callable[[Job], int]):
        self._make = make
        self.jobs: list[Job] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
        for job in jobs:
            self.jobs.append(job)
            yield job, self._make(job)

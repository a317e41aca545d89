"""The workers of one training on a Ray cluster."""

import contextlib
import functools
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import ray
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from cifar10_tf.studies.executors import ray_cluster, worker_process, workers
from cifar10_tf.studies.executors.executor import Job, check_time
from cifar10_tf.studies.executors.worker_process import WorkerProcess
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError

_POLL_SEC = 0.5

# A machine that does not answer for so long is lost; Ray itself says so sooner.
_LOST_SEC = 60


def train(job: Job, num_workers: int, address: str = "") -> int:
    """Trains with several workers, and returns the status of the training.

    A signal is passed on to them, and is not raised again: it is in the status.

    Args:
        address: of the cluster, as of `ray.init`; empty: one is started here.

    Raises:
        UserError: there is no cluster, or it has no room or can't start them.
        Interrupted: there was a signal before they had started.
    """
    # What a handler raises would be lost in Ray's native code.
    interruption.hold()
    with ray_cluster.connected(address):
        if not share(ray_cluster.resources(), num_workers):
            raise UserError(
                f"the Ray cluster has no room for {num_workers} workers, with "
                "a GPU or CPU for each: give a lower --num_workers."
            )
        placed = functools.partial(_placed, num_workers)
        return workers.train(job, placed)


def share(
    resources: Iterable[Mapping[str, float]], num_workers: int
) -> tuple[str, int] | None:
    """Returns how many GPUs, or CPUs where there are none, each may have.

    Equally many, and all of its machine where there are enough machines. None:
    there is no room.
    """
    resources = list(resources)
    kind = "GPU" if any(r.get("GPU") for r in resources) else "CPU"
    numbers = [int(r.get(kind, 0)) for r in resources]
    for most in range(max(numbers, default=0), 0, -1):
        if sum(number // most for number in numbers) >= num_workers:
            return kind, most
    return None


@contextlib.contextmanager
def _placed(num_workers: int) -> Iterator[list["_Worker"]]:
    """Gives each worker its place, once there is room for all of them."""
    kind, number = _wait_for_share(num_workers)
    group = ray.util.placement_group(
        [{kind: number}] * num_workers, strategy="SPREAD"
    )
    placed = []
    try:
        while not group.wait(_POLL_SEC):  # others may be there
            check_time()
        for index in range(num_workers):
            placed.append(_Worker(group, index, kind, number))
        yield placed
    finally:
        for worker in placed:
            worker.kill()
        ray.util.remove_placement_group(group)


def _wait_for_share(num_workers: int) -> tuple[str, int]:
    """Waits until those machines are back that are needed."""
    while not (found := share(ray_cluster.resources(), num_workers)):
        check_time()
        time.sleep(_POLL_SEC)
    return found


class _Actor(WorkerProcess):
    """What runs on a machine of the cluster."""

    def address(self, index: int, num_workers: int) -> str:
        host = ray.util.get_node_ip_address()
        if ":" in host:
            host = f"[{host}]"
        return f"{host}:{worker_process.free_port(index, num_workers)}"


class _Worker:
    """A worker's place, as `workers.Worker` has it."""

    def __init__(
        self, group: PlacementGroup, index: int, kind: str, number: int
    ):
        self._index, self._num_workers = index, group.bundle_count
        strategy = PlacementGroupSchedulingStrategy(
            group, placement_group_bundle_index=index
        )
        needs = {"num_cpus": 0} | {f"num_{kind.lower()}s": number}
        actor = ray.remote(_Actor).options(
            scheduling_strategy=strategy, **needs
        )
        self._actor = actor.remote()

    def address(self) -> str:
        return self._ask("address", self._index, self._num_workers)

    def start(self, arguments, **others) -> None:
        self._ask("start", arguments, **others)

    def look(self, wait_sec: float) -> worker_process.Look:
        return self._ask("look", wait_sec)

    def terminate(self) -> None:
        self._ask("terminate")

    def kill(self) -> None:
        """Ends it at once; does nothing where it has ended."""
        ray.kill(self._actor)

    def _ask(self, method: str, *arguments, **others) -> Any:
        try:
            asked = getattr(self._actor, method).remote(*arguments, **others)
            return ray.get(asked, timeout=_LOST_SEC)
        except ray.exceptions.RayError as error:
            is_task = isinstance(error, ray.exceptions.RayTaskError)
            if is_task or getattr(error, "actor_init_failed", False):
                *_, last = str(error).strip().splitlines()
                raise UserError(
                    f"Ray can't run worker {self._index}: {last}"
                ) from error
            raise workers.WorkerLostError(self._index) from error

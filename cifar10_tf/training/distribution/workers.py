"""The processes of a training: what they tell each other, and when they end."""

import contextlib
import hashlib
import json
import pathlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from cifar10_tf.models.layers.device_sums import sum_over_devices
from cifar10_tf.system import interruption
from cifar10_tf.system.cluster.peers import LIMIT_SEC, Peers
from cifar10_tf.system.errors import UserError

# From a signal to the end of a process: the step of all has to end first. Below
# the 30 s that Kubernetes and others give by default.
_LIMIT_SEC = 25.0


class Workers:
    """This process and the others that train with it.

    What one does with the others, all of them do at the same point.

    Attributes:
        num: how many there are.
        index: of this one.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy | None = None,
        peers: Peers | None = None,
    ):
        self._strategy = strategy
        self._peers = peers
        self.num = peers.cluster.size if peers else 1
        self.index = peers.cluster.index if peers else 0
        # Of this one; all have as many.
        self._num_devices = (
            strategy.num_replicas_in_sync // self.num if strategy else 1
        )
        self._summed = tf.function(
            self._sum, autograph=False, reduce_retracing=True
        )
        self._status = 0

    @property
    def is_chief(self) -> bool:
        """Whether this is the one that writes."""
        return self.index == 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other."""
        return self.num == 1

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Within it, a signal ends all of them together.

        After it, each may end as it should.
        """
        if self.is_alone:
            yield
            return
        limit_sec, interruption.limit_sec = interruption.limit_sec, _LIMIT_SEC
        try:
            yield
        except tf.errors.OpError:
            # What TensorFlow says where another one has ended, perhaps before
            # that can be seen.
            time.sleep(LIMIT_SEC + 2)
            raise
        finally:
            self._peers.stop()
            interruption.limit_sec = limit_sec

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Returns the sum of the arrays that the workers have."""
        values = np.asarray(values)
        if self.is_alone:
            return values
        return self._summed(tf.constant(values)).numpy()

    def _sum(self, values):
        def of_device(values):
            context = tf.distribute.get_replica_context()
            # Of several devices here the first speaks for all.
            speaks = context.replica_id_in_sync_group % self._num_devices == 0
            return sum_over_devices(values * tf.cast(speaks, values.dtype))

        sums = self._strategy.run(of_device, args=(values,))
        return self._strategy.experimental_local_results(sums)[0]

    def first(self, act: Callable[[], None]) -> None:
        """Has the first worker do something, while the others wait for it.

        Raises:
            UserError: the first one has, and so do all.
        """
        error = None
        if self.is_chief:
            try:
                act()
            except UserError as raised:
                error = raised
        if self.of_first(np.int64(error is not None)):
            raise error or UserError("worker 0 can't go on, and says why.")

    def of_first(self, values: np.ndarray) -> np.ndarray:
        """Returns the array that the first worker has."""
        values = np.asarray(values)
        summed = values.astype(np.int64) if values.dtype == bool else values
        return self.sum(summed * self.is_chief).astype(values.dtype)

    def check_shared(self, directory: pathlib.Path) -> None:
        """Checks that a directory of the first worker's is there for all.

        Raises:
            UserError: it is not, said on every worker.
        """
        if self.is_alone:
            return
        token = int(self.of_first(np.int64(secrets.randbits(60))))
        path = directory / f".shared-{token:x}"
        if self.is_chief:
            path.touch()
        self.wait()
        is_seen = np.zeros(self.num, np.int64)
        is_seen[self.index] = _appears(path)
        is_seen = self.sum(is_seen)
        if self.is_chief:
            path.unlink(missing_ok=True)
        if not is_seen.all():
            raise UserError(
                f"worker {np.argmin(is_seen)} does not see what worker 0 wrote "
                f"into {directory}: give a --run_dir on a file system that all "
                "of them share."
            )

    def wait(self) -> None:
        """Waits until all are here."""
        self.sum(np.zeros(1, np.int64))

    def check_same(self, named: dict[str, Any]) -> None:
        """Checks that all train the same.

        Args:
            named: what must be the same, as JSON has it.

        Raises:
            UserError: something is not, said on every worker.
        """
        if self.is_alone:
            return
        digests = np.zeros((self.num, len(named)), np.int64)
        digests[self.index] = [_digest(value) for value in named.values()]
        digests = self.sum(digests)
        for name, column in zip(named, digests.T, strict=True):
            others = np.flatnonzero(column != column[0])
            if len(others):
                raise UserError(
                    f"worker {others[0]} has another {name} than worker 0; "
                    "start all of them by the same command, with the same data."
                )

    def own_status(self) -> int:
        """Returns the exit status by which this one wants to end, or 0."""
        stop = interruption.due()
        return stop.status if stop else 0

    def hear(self, statuses) -> None:
        """Takes in what all have said in a step, by their `own_status`.

        Args:
            statuses: float32 [num], summed over all devices.
        """
        if not self.is_alone:  # reading it waits for a GPU
            self._status = round(float(max(statuses)) / self._num_devices)

    def due(self) -> interruption.Interrupted | None:
        """Returns what is to be raised where one of them is to end."""
        if self.is_alone:
            return interruption.due()
        if not self._status:
            return None
        reason = interruption.STATUSES[self._status]
        if self._status != self.own_status():
            reason += " of another worker"
        return interruption.Interrupted(reason, self._status)

    def release(self) -> None:
        """Lets signals end this process at once, where no other is left alone.

        Raises:
            Interrupted: there has been one meanwhile.
        """
        if self.is_alone:
            interruption.release()


def _appears(path: pathlib.Path) -> bool:
    """Tells whether a file is there; NFS may show it some seconds later."""
    for _ in range(10):
        if path.exists():
            return True
        time.sleep(1)
    return False


def _digest(value: Any) -> int:
    text = json.dumps(value, sort_keys=True)
    digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
    return int.from_bytes(digest)

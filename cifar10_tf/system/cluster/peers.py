"""The end of a process whose peers, without which it can't go on, are gone."""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator

from cifar10_tf.system.cluster import Cluster

# As of SIGUSR1: whoever started it is to start it again.
LOST_STATUS = 138

_INTERVAL_SEC = 1.0
_NUM_FAILURES = 3
_TIMEOUT_SEC = 4.0

# From a peer's end to this process's: connections that are refused, or, where
# its machine is gone, run into their timeouts.
LIMIT_SEC = _NUM_FAILURES * (_INTERVAL_SEC + _TIMEOUT_SEC)


# TensorFlow would wait for an hour for somebody who has made a mistake.
_MEETING_SEC = 600.0


@contextlib.contextmanager
def meeting(cluster: Cluster) -> Iterator[None]:
    """Ends the process where not all have come within ten minutes."""
    timer = threading.Timer(_MEETING_SEC, _end_alone, [cluster])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Peers:
    """Watches the ports of other processes, and ends this one with them.

    TensorFlow itself may wait for a dead worker for ever. The first worker
    watches all others and they watch it, so that the end of any is that of all.
    """

    def __init__(self, cluster: Cluster):
        self._peers = [
            (index, address)
            for index, address in enumerate(cluster.addresses)
            if index != cluster.index and (cluster.is_chief or index == 0)
        ]
        self._stopped = threading.Event()

    def watch(self) -> None:
        """Begins to watch those that there are, on a thread of its own."""
        for index, address in self._peers:
            threading.Thread(
                target=self._watch, args=(index, address), daemon=True
            ).start()

    def stop(self) -> None:
        """Watches no longer: what ends now ends as it should."""
        self._stopped.set()

    def _watch(self, index: int, address: str) -> None:
        num_failures = 0
        while not self._stopped.wait(_INTERVAL_SEC):
            num_failures = 0 if _answers(address) else num_failures + 1
            if num_failures == _NUM_FAILURES and not self._stopped.is_set():
                _end(f"worker {index} ({address}) is gone")


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection(
            (host.strip("[]"), int(port)), _TIMEOUT_SEC
        ).close()
    except OSError:
        return False
    return True


def _end_alone(cluster: Cluster) -> None:
    missing = [a for a in cluster.addresses if not _answers(a)]
    _end(f"not all workers have come ({', '.join(missing)})")


def _end(what: str) -> None:
    # Native code may be waiting for the other one, and never comes back.
    sys.stderr.write(
        f"stopped because {what}; run the same command again on all workers "
        "to go on from the last checkpoint\n"
    )
    sys.stderr.flush()
    os._exit(LOST_STATUS)

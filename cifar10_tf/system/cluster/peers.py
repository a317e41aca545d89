"""The end of a process whose peers, without which it can't go on, are gone."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from cifar10_tf.system import interruption
from cifar10_tf.system.cluster import Cluster, from_environment, guard

# As of SIGUSR1: whoever started it is to start it again.
LOST_STATUS = 138

_NUM_FAILURES = 3

# From a peer's end to this process's: connections that are refused, or, where
# its machine is gone, run into their timeouts.
LIMIT_SEC = _NUM_FAILURES * (guard.INTERVAL_SEC + guard.TIMEOUT_SEC)

# For all to come; TensorFlow would wait for an hour.
_MEETING_SEC = 600.0


class Peers:
    """The processes that train with this one; the end of any is that of all.

    TensorFlow itself may wait for a dead worker for ever. The first worker
    watches the ports of all others, and they watch its.

    Attributes:
        cluster: which they are, and which of them this one is.
    """

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self._others = {
            index: address
            for index, address in enumerate(cluster.addresses)
            if index != cluster.index
        }
        self._watched = list(self._others) if cluster.is_chief else [0]
        self._come: set[str] = set()
        self._stopped = threading.Event()
        self._own_port: socket.socket | None = None

    @contextlib.contextmanager
    def watched(self) -> Iterator["Peers"]:
        """Within it, the end of another process ends this one.

        Begins before TensorFlow is imported: until TensorFlow listens at this
        process's port, this does, so that the others see when it ends.
        """
        _, port = guard.split(self.cluster.addresses[self.cluster.index])
        with contextlib.suppress(OSError):  # TensorFlow will say it
            # Nobody accepts those who look whether it is there.
            self._own_port = socket.create_server(("", port), backlog=1024)
        for index in self._watched:
            threading.Thread(
                target=self._watch, args=(index,), daemon=True
            ).start()
        try:
            yield self
        finally:
            self._stopped.set()
            self._close_own_port()

    def meet(self) -> None:
        """Waits until all have come; then TensorFlow may take the port.

        TensorFlow would wait for them without letting go of the interpreter:
        no signal and no timer would get through.

        Raises:
            Interrupted: by a signal or `--max_minutes`.
        """
        end = time.monotonic() + _MEETING_SEC
        missing = self._others.values()
        while missing := [a for a in missing if not self._sees(a)]:
            if stop := interruption.due():
                raise stop
            if time.monotonic() > end:
                _end(f"not all workers have come ({', '.join(missing)})")
            time.sleep(guard.INTERVAL_SEC)
        self._close_own_port()

    @contextlib.contextmanager
    def connecting(self) -> Iterator[None]:
        """Ends the process where TensorFlow does not come back from connecting.

        As it does not where another process has ended just now; by SIGUSR1, so
        that its status is the same as ever.
        """
        is_main = threading.current_thread() is threading.main_thread()
        handler = is_main and signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        process = subprocess.Popen(
            [sys.executable, "-I", guard.__file__, *self._others.values()],
            stdin=subprocess.PIPE,
        )
        try:
            yield
        finally:
            process.kill()
            process.communicate()
            if is_main:
                signal.signal(signal.SIGUSR1, handler)

    def stop(self) -> None:
        """Watches no longer: what ends now ends as it should."""
        self._stopped.set()

    def _watch(self, index: int) -> None:
        address = self._others[index]
        num_failures = 0
        while not self._stopped.wait(guard.INTERVAL_SEC):
            if self._sees(address):
                num_failures = 0
            elif address in self._come:
                num_failures += 1
            if num_failures == _NUM_FAILURES and not self._stopped.is_set():
                _end(f"worker {index} ({address}) is gone")

    def _sees(self, address: str) -> bool:
        if guard.answers(address):
            self._come.add(address)
            return True
        return False

    def _close_own_port(self) -> None:
        if self._own_port:
            self._own_port.close()


@contextlib.contextmanager
def of_environment() -> Iterator[Peers | None]:
    """Yields the processes that the environment names, watched.

    None where this one is alone.

    Raises:
        UserError: the environment can't be understood.
    """
    if cluster := from_environment():
        with Peers(cluster).watched() as peers:
            yield peers
    else:
        yield None


def _end(what: str) -> None:
    # Native code may be waiting for the other one, and never comes back.
    guard.say_end(what)
    os._exit(LOST_STATUS)

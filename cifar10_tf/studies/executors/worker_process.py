"""One worker of a training, in a process of its own, to be looked at."""

import contextlib
import os
import pathlib
import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.studies.executors import run_process

# Below the ports that Linux gives to outgoing connections.
_PORTS = 20000, 30000

# Of each stream at a time.
_MAX_BYTES = 1 << 20


class Look(NamedTuple):
    """What a process has said since the last look, and its status.

    Attributes:
        stdout, stderr: what it wrote there.
        status: None: it runs still; a signal's is negative.
    """

    stdout: bytes
    stderr: bytes
    status: int | None


class WorkerProcess:
    """The process of a worker, which ends with the thread that started it."""

    def start(
        self,
        arguments: Sequence[str],
        *,
        tf_config: str,
        run_dir: str,
        is_chief: bool,
        cwd: str,
        num_threads: str | None,
    ) -> None:
        """Starts it.

        Args:
            arguments: of this machine's Python.
            tf_config: where all workers are, and which one this is.
            run_dir: of the run; the first worker waits there for a process that
                a dying machine has left.
            is_chief: whether it is the first.
            cwd, num_threads: of `run_process`.
        """
        if is_chief:
            RunLock(pathlib.Path(run_dir)).wait(run_process.LIMIT_SEC)
        self._process = run_process.start(
            [sys.executable, *arguments],
            is_read=True,
            cwd=cwd if os.path.isdir(cwd) else None,
            env=run_process.environment(num_threads) | {"TF_CONFIG": tf_config},
        )
        for stream in (self._process.stdout, self._process.stderr):
            os.set_blocking(stream.fileno(), False)

    def look(self, wait_sec: float) -> Look:
        """Waits so long, or until it ends, and returns what has happened."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_sec)
        # First: what it says afterwards would be lost.
        status = self._process.returncode
        streams = self._process.stdout, self._process.stderr
        return Look(*(_read(s.fileno()) for s in streams), status)

    def terminate(self) -> None:
        """Asks it to save and end."""
        self._process.terminate()


def free_port(index: int, num: int) -> int:
    """Returns a port of this machine that is free now.

    No two of `num` workers are given the same, wherever they are.
    """
    first, end = _PORTS
    ports = range(first + index, end, num)
    return next(p for p in random.sample(ports, len(ports)) if _is_free(p))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("", port))
        except OSError:
            return False
    return True


def _read(stream: int) -> bytes:
    """Returns what there is to read at once."""
    read = b""
    with contextlib.suppress(BlockingIOError):
        while len(read) < _MAX_BYTES and (more := os.read(stream, 1 << 16)):
            read += more
    return read

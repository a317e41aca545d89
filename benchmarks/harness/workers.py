"""Runs an input pipeline in a process of its own, and measures it there.

Threads, allocators and peak memory of several libraries must not mix, and a
library that crashes must not take the others with it. `Worker` is the side of
the benchmark; run as a program, this module is the other side, and imports
nothing that the pipeline does not.
"""

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection

import numpy as np
import psutil

from harness.fresh_process import start
from harness.peak_memory import peak_rss_mib

_NUM_WARM_BATCHES = 4


class WorkerError(Exception):
    """The pipeline raised, or its process ended or fell silent."""


class Worker:
    """A process that imports a module and measures its `batches`.

    Args:
        module: as `peers` describes.
        timeout_sec: how long to wait for an answer.
        settings: the other arguments of `_Subject`.
    """

    def __init__(self, module: str, timeout_sec: float = 120, **settings):
        self._timeout_sec = timeout_sec
        self._connection, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = start(
                "workers",
                str(theirs.fileno()),
                json.dumps({"module": module, **settings}),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # stdout is the report's
                start_new_session=True,  # so that all of it can be ended
            )

    def measure(self, sec: float) -> dict[str, float]:
        """Returns what `_Subject.measure` does.

        Raises:
            WorkerError: there is no result.
        """
        try:
            self._connection.send(sec)
            answer = self._receive()
        except (EOFError, OSError) as error:
            status = self._process.wait()
            raise WorkerError(f"ended with status {status}") from error
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _receive(self) -> dict:
        deadline = time.monotonic() + self._timeout_sec
        while not self._connection.poll(0.1):
            # Children that outlive it would keep the pipe open.
            if self._process.poll() is not None and not self._connection.poll():
                raise EOFError
            if time.monotonic() > deadline:
                raise WorkerError(f"no answer within {self._timeout_sec} s")
        return self._connection.recv()

    def close(self) -> None:
        """Ends the process and its children, at once."""
        self._connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class _Subject:
    """A module's batches of random images in one case."""

    def __init__(
        self, module: str, case: str, num_examples: int, batch_size: int
    ):
        rng = np.random.default_rng(0)
        shape = (num_examples, 32, 32, 3)
        self._batches = importlib.import_module(module).batches(
            rng.integers(0, 256, shape, dtype=np.uint8),
            rng.integers(0, 10, num_examples),
            case,
            batch_size,
        )

    def measure(self, sec: float) -> dict[str, float]:
        """Reads batches for a time, after a few that warm up.

        The loop is the one that users write, with one value read back. The
        memory is the peak since the process began, with what the libraries and
        147 MiB of images take; what processes share counts in each of them.
        """
        batches = iter(self._batches)
        for _ in range(_NUM_WARM_BATCHES):
            next(batches)
        num_images, start_cpu_sec = 0, _cpu_sec()
        start = time.perf_counter()
        for images, _ in batches:
            np.asarray(images)[-1, -1, -1, -1]
            num_images += images.shape[0]
            elapsed_sec = time.perf_counter() - start
            if elapsed_sec >= sec:
                break
        cpu_sec = _cpu_sec() - start_cpu_sec
        peak_rss = _peak_rss_mib()
        del batches, images  # prefetching goes on while there is an iterator
        gc.collect()
        return {
            "images_per_sec": num_images / elapsed_sec,
            "cpu_sec_per_1000_images": 1000 * cpu_sec / num_images,
            "peak_rss": peak_rss,
        }


def _processes() -> list[psutil.Process]:
    this = psutil.Process()
    return [this, *this.children(recursive=True)]


def _cpu_sec() -> float:
    """Returns what this process and its children, past ones too, have used."""
    return sum(sum(process.cpu_times()[:4]) for process in _processes())


def _peak_rss_mib() -> float:
    """Returns the sum of the peaks; where there are none, of what is in use."""
    return sum(
        peak_rss_mib(process.pid) or process.memory_info().rss / 2**20
        for process in _processes()
    )


def _serve(connection: Connection, settings: dict) -> None:
    try:
        subject = _Subject(**settings)
        while True:
            connection.send(subject.measure(connection.recv()))
    except Exception as error:  # whatever it is, it ends this subject
        text = " ".join(str(error).split())
        with contextlib.suppress(EOFError, OSError):  # nobody asks any more
            connection.send({"error": f"{type(error).__name__}: {text}"})
            while True:  # the process's end could overtake the answer
                connection.recv()


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])), json.loads(sys.argv[2]))

"""What a machine of a Ray cluster does: one run, in a process of its own."""

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.studies.executors import run_process

# Between two chances to be told to end: Ray interrupts Python, not the system.
_POLL_SEC = 0.5


def make(
    arguments: Sequence[str],
    *,
    log: str | None,
    run_dir: str,
    cwd: str,
    num_threads: str | None,
) -> int:
    """Runs a process on a machine of the cluster, and returns its status.

    Args:
        arguments: of this machine's Python.
        log: of `run_process.start`, as cwd is, if there is such a one here.
        run_dir: of the run; a process that a dying machine has left there is
            waited for.
        num_threads: of `run_process.environment`.
    """
    process = None
    try:
        RunLock(pathlib.Path(run_dir)).wait(run_process.LIMIT_SEC)
        process = run_process.start(
            [sys.executable, *arguments],
            log=log,
            cwd=cwd if os.path.isdir(cwd) else None,
            env=run_process.environment(num_threads),
        )
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_SEC)
    finally:
        if process:
            _end(process)


def _end(process: subprocess.Popen) -> None:
    """Ends a process, as `ray.cancel` asks for, perhaps more than once."""
    while process.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):
            process.terminate()
            process.wait()

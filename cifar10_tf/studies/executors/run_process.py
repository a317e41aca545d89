"""The process of a run, which does not outlive the one that started it."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from cifar10_tf.studies.executors.executor import Job
from cifar10_tf.system import interruption

PROGRAM = [sys.executable, "-m", "cifar10_tf.main"]

# From a signal to the end: longer than the run's own limit.
LIMIT_SEC = 9.5

# Ray sets it to the number of CPUs that a task has asked for.
NUM_THREADS = "OMP_NUM_THREADS"

_PR_SET_PDEATHSIG = 1  # of Linux's <sys/prctl.h>
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def command(job: Job, max_minutes: float = 0) -> list[str]:
    """Returns the command of a run that saves and ends after so long.

    Args:
        max_minutes: 0: no limit.
    """
    return [*PROGRAM, *job.arguments(max_minutes)]


def minutes_left() -> float:
    """Returns how long a run that starts now may take; 0: no limit."""
    left = interruption.minutes_left()
    return 0 if left is None else max(left, 1e-6)


def environment(num_threads: str | None) -> dict[str, str]:
    """Returns the environment of a process that Ray has no part in.

    It trains alone, also where srun has started Ray.

    Args:
        num_threads: what OMP_NUM_THREADS is where the command was given.
    """
    env = {n: v for n, v in os.environ.items() if n != NUM_THREADS}
    env["TF_CONFIG"] = "{}"
    return env if num_threads is None else env | {NUM_THREADS: num_threads}


def start(
    command: Sequence[str],
    *,
    log: str | None = None,
    is_read: bool = False,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen:
    """Starts the process of a run.

    On Linux it is killed where this thread ends, so that whoever goes on with
    the run finds its directory free.

    Args:
        log: the file that what it says is appended to; None: it is shown.
        is_read: whether it is read from its stdout and stderr instead.
        cwd, env: its directory and environment; None: as here, but alone,
            whoever this process trains with.
    """
    if env is None:
        env = os.environ | {"TF_CONFIG": "{}"}
    with contextlib.ExitStack() as files:
        file = subprocess.PIPE if is_read else None
        if log:
            path = pathlib.Path(log)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = files.enter_context(path.open("ab"))
        return subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            cwd=cwd,
            env=env,
            preexec_fn=_die_with_parent if _LIBC else None,
        )


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

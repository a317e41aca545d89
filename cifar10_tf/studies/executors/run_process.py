"""The process of a run, which does not outlive the one that started it."""

import ctypes
import signal
import subprocess
import sys

from cifar10_tf.studies.executors.executor import Job

PROGRAM = [sys.executable, "-m", "cifar10_tf.main"]

# From a signal to the end: longer than the run's own limit.
LIMIT_SEC = 9.5

_PR_SET_PDEATHSIG = 1  # of Linux's <sys/prctl.h>
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def start(job: Job, max_minutes: float = 0) -> subprocess.Popen:
    """Starts the process of a run.

    On Linux it is killed where this process is, so that whoever goes on with
    the run finds its directory free.

    Args:
        max_minutes: after which it saves and ends; 0: no limit.
    """
    return subprocess.Popen(
        [*PROGRAM, *job.arguments(max_minutes)],
        stdout=subprocess.DEVNULL if job.is_quiet else None,
        preexec_fn=_die_with_parent if _LIBC else None,
    )


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

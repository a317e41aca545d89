"""A run in a process of its own, which does not outlive this one."""

import signal
import subprocess
import sys
from collections.abc import Sequence

from cifar10_tf.settings.config import Config
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError

_PROGRAM = [sys.executable, "-m", "cifar10_tf.main"]

# From a signal to the end: longer than the run's own limit.
_LIMIT_SEC = 9.5


def train(config: Config, run_flags: Sequence[str] = ()) -> None:
    """Makes a run, or goes on with it.

    The memory of its input pipeline is given back when its process ends, and it
    is the same to the bit as when it is made alone.

    Args:
        config: with a dataset that `resolve_dataset` returned and a run_dir.
        run_flags: of the process, as "--checkpoint_every_sec=10".

    Raises:
        UserError: it has failed.
        Interrupted: it was, or there is no time left for it.
    """
    check_time()
    minutes_left = interruption.minutes_left()
    # 0 would be no limit.
    minutes = 0 if minutes_left is None else max(minutes_left, 1e-6)
    status = _call(
        [
            *_PROGRAM,
            "train",
            *config.to_flags(),
            *run_flags,
            f"--max_minutes={minutes}",
        ]
    )
    if status:
        raise _end(config.seed, status)


def check_time() -> None:
    """Checks that there is time left.

    Raises:
        Interrupted: there is not, or there was a signal.
    """
    if stop := interruption.due():
        raise stop


def _call(command: list[str]) -> int:
    """Runs a process and returns its status; a signal's is negative.

    However this one is asked to end, the other is given time to save what it
    has, and does not outlive it, unless this one is killed.
    """
    interruption.limit_sec = _LIMIT_SEC
    interruption.hold()  # until there is somebody to pass a signal on to
    process = subprocess.Popen(command)
    try:
        interruption.release()
        return process.wait()
    finally:
        interruption.hold()  # nothing cuts this short
        # Nothing where it has ended, or got a Ctrl-C at the terminal as well.
        process.terminate()
        process.wait()
        interruption.release()


def _end(seed: int, status: int) -> BaseException:
    if status in interruption.STATUSES:
        return interruption.Interrupted(
            interruption.STATUSES[status], status, can_go_on=True
        )
    return UserError(
        f"the run with seed {seed} ended with {_describe_status(status)}, and "
        "the study with it; train again without --restart to go on from there."
    )


def _describe_status(status: int) -> str:
    if status < 0:
        return f"signal {-status} ({signal.Signals(-status).name})"
    return f"status {status}"

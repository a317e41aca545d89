"""Studies whose runs are forks, and need not import TensorFlow each.

What runs in real processes has its tests in `studies/`.
"""

import os
import sys
from types import SimpleNamespace

from absl import flags

from cifar10_tf import main
from cifar10_tf.studies.executors import run_process
from cifar10_tf.system import interruption
from tests import fork_server


def start() -> None:
    """Forks the runs of studies from now on."""
    run_process.subprocess = SimpleNamespace(Popen=_Run)


class _Run:
    """What a study uses of `subprocess.Popen`, but for signals."""

    def __init__(self, command: list[str], stdout, **_):
        self._status: int | None = None
        sys.stdout.flush()  # or both would write what is left
        self._pid = os.fork()
        if not self._pid:
            if stdout:
                for number in 1, 2:
                    os.dup2(stdout.fileno(), number)
            sys.argv = command[len(run_process.PROGRAM) - 1 :]
            fork_server.run_and_exit(_run)

    def wait(self, timeout: float | None = None) -> int:
        if self._status is None:
            self._status = fork_server.wait(self._pid)
        return self._status

    def terminate(self) -> None:
        assert self._status is not None, "The study ends before its run."


def _run() -> None:
    # What the study has read and set is its own.
    flags.FLAGS.unparse_flags()
    interruption.release()
    main.run()

"""Processes that begin with what another one has imported for them.

A short command spends most of its time on importing TensorFlow. A launcher
imports once, and is forked for each command: each has a process, a clock, an
environment and a directory of its own.
"""

import functools
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile

_SERVE = "from tests import fork_server; fork_server.main()"

_PREPARE_HEAVY = """
from PIL import Image
from tests import forked_studies, undrawn
Image.init()  # imports what reads and writes each format
undrawn.start()
forked_studies.start()
"""
_STREAMS = ("stdout", "stderr")
_ROOT = pathlib.Path(__file__).parents[1]

MAIN = "from cifar10_tf import main; main.run()"


class Forked:
    """A process of a launcher's; what is used of `subprocess.Popen`."""

    def __init__(self, answers, directory: tempfile.TemporaryDirectory):
        self._answers, self._directory = answers, directory
        self.pid = int(answers.readline())
        self.returncode = None

    def poll(self) -> int | None:
        """Returns the status if the process has ended."""
        if self.returncode is None:
            ended, _, _ = select.select([self._answers], [], [], 0)
            if ended:
                self.wait()
        return self.returncode

    def wait(self) -> int:
        """Returns the status when the process has ended."""
        if self.returncode is None:
            self.returncode = int(self._answers.readline())
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """Waits, and returns what the process has written on both streams."""
        self.wait()
        path = pathlib.Path(self._directory.name)
        out, err = ((path / name).read_text("utf-8") for name in _STREAMS)
        self._directory.cleanup()
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Launcher:
    """Starts Python programs, one after the other.

    Args:
        modules: what they find imported; nothing of it may have used a GPU or
            started threads that are needed.
        prepare: what is done then, a program.
    """

    def __init__(self, *modules: str, prepare: str = ""):
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, prepare, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What is read ahead, `select` does not know of.
            bufsize=0,
            # What TensorFlow says when it is imported, to nobody's use.
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            cwd=_ROOT,
        )
        self._last: Forked | None = None

    def start(
        self,
        *arguments,
        program: str = MAIN,
        env: dict[str, str] | None = None,
        cwd: str | os.PathLike = ".",
        limit_sec: int = 240,
        tidies_up: bool = False,
    ) -> Forked:
        """Starts a program, the command line by default.

        Waits for the one before: they answer on the same stream.

        Args:
            arguments: of the program.
            limit_sec: after so long it is killed, by SIGALRM.
            tidies_up: whether it takes Python's own way out, on which
                TensorFlow needs a second.
        """
        if self._last:
            self._last.wait()
        directory = tempfile.TemporaryDirectory()
        streams = [pathlib.Path(directory.name) / name for name in _STREAMS]
        for path in streams:
            path.touch()
        job = {
            "limit_sec": limit_sec,
            "tidies_up": tidies_up,
            "argv": _argv(arguments),
            "program": program,
            "env": dict(os.environ if env is None else env),
            "cwd": os.path.abspath(cwd),
            "streams": list(map(str, streams)),
        }
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._last = Forked(self._process.stdout, directory)
        return self._last

    def run(self, *arguments, **kwargs) -> subprocess.CompletedProcess:
        """Runs a program as `start` does to its end; captures its output."""
        process = self.start(*arguments, **kwargs)
        output = process.communicate()
        return subprocess.CompletedProcess(
            _argv(arguments), process.returncode, *output
        )


def _argv(arguments) -> list[str]:
    return ["cifar10-tf", *map(str, arguments)]


@functools.cache
def light() -> Launcher:
    """Returns the launcher of what needs no TensorFlow."""
    return Launcher("cifar10_tf.cli.command_line", "tensorflow_datasets")


@functools.cache
def heavy() -> Launcher:
    """Returns the launcher of trainings and whatever needs TensorFlow.

    Its runs save pictures that are not drawn, and those of a study are forked.
    """
    return Launcher(
        "cifar10_tf.cli.command_line",
        "cifar10_tf.training.trainer",
        "scipy.stats",
        "tensorflow",
        prepare=_PREPARE_HEAVY,
    )

"""Processes that begin with what another one has imported for them.

A short command spends most of its time on importing TensorFlow. A launcher
imports once, and is forked for each command: its process is new, ends as Python
itself ends, and has a clock, an environment and a directory of its own.
"""

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# The parent answers each line of stdin with a status; a child leaves the loop.
_LAUNCH = """
import importlib, json, os, signal, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for line in sys.stdin:
    job = json.loads(line)
    if not (child := os.fork()):
        break
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, flush=True)
else:
    sys.exit()
signal.alarm(job["limit_sec"])
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for stream, name in (1, job["stdout"]), (2, job["stderr"]):
    os.dup2(os.open(name, os.O_WRONLY), stream)
os.environ.clear()
os.environ.update(job["env"])
os.chdir(job["cwd"])
sys.argv = job["argv"]
exec(job["program"], {"__name__": "__main__"})
"""

MAIN = "from cifar10_tf import main; main.run()"


class Launcher:
    """Starts Python programs, one after the other.

    Args:
        modules: what they find imported; nothing of it may have used a GPU or
            started threads that are needed.
    """

    def __init__(self, *modules: str):
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # What TensorFlow says when it is imported, to nobody's use.
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def run(
        self,
        *arguments,
        program: str = MAIN,
        env: dict[str, str] | None = None,
        cwd: str | os.PathLike = ".",
        limit_sec: int = 240,
    ) -> subprocess.CompletedProcess:
        """Runs a program, the command line by default; captures its output.

        Kills it, by SIGALRM, after a time.
        """
        argv = ["cifar10-tf", *map(str, arguments)]
        with tempfile.TemporaryDirectory() as directory:
            out, err = (pathlib.Path(directory) / name for name in ("o", "e"))
            for path in (out, err):
                path.touch()
            job = {
                "limit_sec": limit_sec,
                "argv": argv,
                "program": program,
                "env": dict(os.environ if env is None else env),
                "cwd": os.path.abspath(cwd),
                "stdout": str(out),
                "stderr": str(err),
            }
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(
                argv, status, out.read_text("utf-8"), err.read_text("utf-8")
            )


@functools.cache
def light() -> Launcher:
    """Returns the launcher of what needs no TensorFlow."""
    return Launcher("cifar10_tf.main")


@functools.cache
def heavy() -> Launcher:
    """Returns the launcher of trainings and whatever needs TensorFlow."""
    return Launcher(
        "cifar10_tf.main",
        "cifar10_tf.training.trainer",
        "scipy.stats",
        "tensorflow",
    )

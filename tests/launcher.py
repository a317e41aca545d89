"""Processes that begin with what another one has imported for them.

A short command spends most of its time on importing TensorFlow. A launcher
imports once, and is forked for each command: each has a process, a clock, an
environment and a directory of its own.
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
import atexit, importlib, json, os, signal, sys, traceback
for name in sys.argv[2:]:
    importlib.import_module(name)
exec(sys.argv[1])
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
main = {"__name__": "__main__"}
if job["tidies_up"]:
    exec(job["program"], main)
    sys.exit()
status = 0
try:
    exec(job["program"], main)
except SystemExit as end:
    status = end.code if isinstance(end.code, int | None) else 1
    if status != end.code:
        print(end.code, file=sys.stderr)
except BaseException:
    traceback.print_exc()
    status = 1
atexit._run_exitfuncs()
sys.stdout.flush()
os._exit(status or 0)
"""

_ROOT = pathlib.Path(__file__).parents[1]

MAIN = "from cifar10_tf import main; main.run()"


class Launcher:
    """Starts Python programs, one after the other.

    Args:
        modules: what they find imported; nothing of it may have used a GPU or
            started threads that are needed.
        prepare: what is done then, a program.
    """

    def __init__(self, *modules: str, prepare: str = ""):
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, prepare, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # What TensorFlow says when it is imported, to nobody's use.
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            cwd=_ROOT,
        )

    def run(
        self,
        *arguments,
        program: str = MAIN,
        env: dict[str, str] | None = None,
        cwd: str | os.PathLike = ".",
        limit_sec: int = 240,
        tidies_up: bool = False,
    ) -> subprocess.CompletedProcess:
        """Runs a program, the command line by default; captures its output.

        Args:
            arguments: of the program.
            limit_sec: after so long it is killed, by SIGALRM.
            tidies_up: whether it takes Python's own way out, on which
                TensorFlow needs a second.
        """
        argv = ["cifar10-tf", *map(str, arguments)]
        with tempfile.TemporaryDirectory() as directory:
            out, err = (pathlib.Path(directory) / name for name in ("o", "e"))
            for path in (out, err):
                path.touch()
            job = {
                "limit_sec": limit_sec,
                "tidies_up": tidies_up,
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
    return Launcher("cifar10_tf.main", "tensorflow_datasets")


@functools.cache
def heavy() -> Launcher:
    """Returns the launcher of trainings and whatever needs TensorFlow.

    Its runs save pictures that are not drawn.
    """
    return Launcher(
        "cifar10_tf.main",
        "cifar10_tf.training.trainer",
        "scipy.stats",
        "tensorflow",
        prepare="from tests import undrawn; undrawn.figures().start()",
    )

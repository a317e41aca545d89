"""The process behind a launcher: imports modules, then forks for each program.

It begins as `fork_server.main()`, with a program that prepares it and the names
of modules as arguments. Each line of its input is a job, which a child does. It
answers with the child's process ID and, when the child has ended, its status.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


def main() -> None:
    """Does what this file's docstring says."""
    prepare, *modules = sys.argv[1:]
    for name in modules:
        importlib.import_module(name)
    exec(prepare)
    gc.freeze()  # what is imported need not be searched, nor copied for that
    gc.set_threshold(100_000, 50, 50)
    for line in sys.stdin:
        if not (child := os.fork()):
            _do(json.loads(line))
        print(child, flush=True)
        print(wait(child), flush=True)


def wait(child: int) -> int:
    """Returns a child's status when it has ended; a signal's is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _do(job: dict) -> NoReturn:
    signal.alarm(job["limit_sec"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, name in enumerate(job["streams"], 1):
        os.dup2(os.open(name, os.O_WRONLY), stream)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.argv = job["argv"]
    names = {"__name__": "__main__"}
    if job["tidies_up"]:
        exec(job["program"], names)
        sys.exit()
    run_and_exit(lambda: exec(job["program"], names))


def run_and_exit(program: Callable[[], object]) -> NoReturn:
    """Ends as Python does, but for what TensorFlow tidies up for a second."""
    status = 0
    try:
        program()
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

"""Starts the programs of this package, each in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from harness.clone import BENCHMARKS


def start(
    program: str,
    *arguments: str,
    under: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    **kwargs,
) -> subprocess.Popen:
    """Starts a module of this package that is a program.

    Args:
        under: the command that starts the command, as `taskset -c 0`.
        environ: what its environment is made of.
        kwargs: as of `subprocess.Popen`.
    """
    return subprocess.Popen(
        # -P: nothing that lies in the working directory is imported.
        [
            *under,
            sys.executable,
            *("-P", "-m", f"harness.{program}"),
            *arguments,
        ],
        env=finding_programs(environ),
        **kwargs,
    )


def finding_programs(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Returns an environment in which Python finds what is in `benchmarks`."""
    earlier = environ.get("PYTHONPATH")
    paths = [str(BENCHMARKS), *([earlier] if earlier else [])]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


def wait_for_all(processes: Sequence[subprocess.Popen]) -> None:
    """Waits for processes of which none can go on without the others.

    Raises:
        subprocess.CalledProcessError: one has failed, and all are ended.
    """
    try:
        while any(process.poll() is None for process in processes):
            _check(processes)
            time.sleep(0.1)
        _check(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _check(processes: Sequence[subprocess.Popen]) -> None:
    for process in processes:
        if process.poll():
            raise subprocess.CalledProcessError(
                process.returncode, process.args
            )

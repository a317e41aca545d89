"""Starts the programs of this package, each in a process of its own."""

import os
import subprocess
import sys

from harness.clone import BENCHMARKS


def start(program: str, *arguments: str, **kwargs) -> subprocess.Popen:
    """Starts a module of this package that is a program.

    Args:
        kwargs: as of `subprocess.Popen`.
    """
    earlier = os.environ.get("PYTHONPATH")
    paths = [str(BENCHMARKS), *([earlier] if earlier else [])]
    return subprocess.Popen(
        # -P: nothing that lies in the working directory is imported.
        [sys.executable, "-P", "-m", f"harness.{program}", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        **kwargs,
    )

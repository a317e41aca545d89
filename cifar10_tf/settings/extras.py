"""Packages that not everybody needs, and so not everybody has."""

import pathlib
import shlex
import sys

_ROOT = pathlib.Path(__file__).parents[2]


def install_command(extra: str) -> str:
    """Returns what gives this Python the packages of an extra.

    From the clone that this package runs from, where it does.
    """
    is_clone = (_ROOT / "setup.cfg").is_file()
    what = ["--editable", str(_ROOT)] if is_clone else ["cifar10_tf"]
    what[-1] += f"[{extra}]"
    return shlex.join([sys.executable, "-m", "pip", "install", *what])

"""Figures that are saved without being drawn.

Drawing takes two seconds of a short run. It is tested in `evaluation/` and
wherever a run has a process of its own.
"""

import pathlib
from unittest import mock

from matplotlib.figure import Figure


def figures():
    """Returns a patch: while it holds, a picture's file has no picture."""
    return mock.patch.object(
        Figure,
        "savefig",
        lambda figure, path, **kwargs: pathlib.Path(path).write_bytes(b""),
    )

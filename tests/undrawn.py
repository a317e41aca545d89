"""Runs whose pictures are saved without being drawn.

Drawing takes a second of a short run. It is tested in `evaluation/` and by a
study in `training/test_trainer.py`.
"""

from unittest import mock

from matplotlib.figure import Figure
from PIL import Image

_PIXEL = Image.new("RGB", (1, 1))


def figures():
    """Returns a patch: while it holds, pictures are saved as one pixel."""
    return mock.patch.object(
        Figure,
        "savefig",
        lambda figure, file, **kwargs: _PIXEL.save(file, "PNG"),
    )


def start() -> None:
    """Draws nothing from now on."""
    figures().start()

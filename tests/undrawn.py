"""Runs whose pictures are saved without being drawn.

Drawing takes a second of a short run. It is tested in `evaluation/` and by a
study in `training/test_trainer.py`. As a program this is the command line:

    python tests/undrawn.py [COMMAND] [flags]
"""

import sys
from unittest import mock

from matplotlib.figure import Figure
from PIL import Image

from cifar10_tf import main
from cifar10_tf.studies import processes

_PIXEL = Image.new("RGB", (1, 1))


def figures():
    """Returns a patch: while it holds, pictures are saved as one pixel."""
    return mock.patch.object(
        Figure,
        "savefig",
        lambda figure, file, **kwargs: _PIXEL.save(file, "PNG"),
    )


def start() -> None:
    """Draws nothing from now on, nor do the processes of a study."""
    figures().start()
    processes._PROGRAM = [sys.executable, __file__]


if __name__ == "__main__":
    start()
    main.run()

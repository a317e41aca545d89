"""What a training shows of its progress: a bar or a line an epoch."""

import sys


def verbosity() -> int:
    """Returns Keras's number for a bar, or for a line an epoch.

    A line where a bar could not redraw itself.
    """
    return 1 if sys.stdout.isatty() else 2

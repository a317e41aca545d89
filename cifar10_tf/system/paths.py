"""Where a user's files are, and where they go when others take their place."""

import os
import pathlib


def kept(path: pathlib.Path) -> pathlib.Path:
    """Returns the first of PATH.1, PATH.2 and so on that nothing has."""
    number = 1
    while os.path.lexists(f"{path}.{number}"):
        number += 1
    return pathlib.Path(f"{path}.{number}")

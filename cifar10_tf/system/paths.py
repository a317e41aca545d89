"""Where a user's files are, and where they go when others take their place."""

import os
import pathlib

from cifar10_tf.system.errors import UserError


def absolute(path: str | os.PathLike) -> pathlib.Path:
    """Returns a path from the root on, in which ~ and ~USER are homes.

    Raises:
        UserError: there is no such user.
    """
    # pathlib's own takes "./~" for "~".
    text = os.path.expanduser(path)
    if text.startswith("~"):
        user, _, _ = text.partition("/")
        raise UserError(
            f"no home of {user} is known; write ./{path} where that is a name."
        )
    return pathlib.Path(text).absolute()


def kept(path: pathlib.Path) -> pathlib.Path:
    """Returns the first of PATH.1, PATH.2 and so on that nothing has."""
    number = 1
    while os.path.lexists(f"{path}.{number}"):
        number += 1
    return pathlib.Path(f"{path}.{number}")

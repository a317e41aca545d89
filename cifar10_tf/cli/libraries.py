"""Libraries that not everybody needs, and so not everybody has."""

import importlib.util
from collections.abc import Iterable

from cifar10_tf.settings import extras
from cifar10_tf.system.errors import UserError


def check(command: str, libraries: Iterable[str]) -> None:
    """Checks that what a command imports is installed.

    Args:
        command: its name, which is that of the extra of this package, too.
        libraries: the names of modules.

    Raises:
        UserError: something is not.
    """
    missing = [
        name for name in sorted(libraries) if not importlib.util.find_spec(name)
    ]
    if missing:
        raise UserError(
            f"{command} needs {', '.join(missing)}, which this Python does not "
            f"have: {extras.install_command(command)}"
        )

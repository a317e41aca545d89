"""What a dataset's name stands for, and how it is shown."""

import os
import pathlib
import re

from cifar10_tf.settings.config import FOLDER
from cifar10_tf.system import paths

_TITLES = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "synthetic10": "synthetic10 (not CIFAR-10)",
}


def folder(name: str) -> pathlib.Path | None:
    """Returns the PATH of `folder:PATH`; None for another name.

    It is absolute, and the same however it is spelled: without `..`.
    """
    if not name.startswith(FOLDER):
        return None
    path = paths.absolute(name.removeprefix(FOLDER))
    plain = pathlib.Path(os.path.normpath(path))
    # After a link, `..` may lead elsewhere.
    is_same = os.path.realpath(plain) == os.path.realpath(path)
    return plain if is_same else path


def of_folder(path: pathlib.Path) -> str:
    """Returns the name that stands for a folder."""
    return f"{FOLDER}{path}"


def title(name: str) -> str:
    """Returns how people are told of a dataset: a folder by its last part."""
    path = folder(name)
    return f"folder {path.name or path}" if path else _TITLES.get(name, name)


def slug(name: str) -> str:
    """Returns the name as a part of a file's name, a folder by its last part.

    "eurosat/rgb" becomes "eurosat-rgb".
    """
    return re.sub(r"[^\w.-]+", "-", title(name) if folder(name) else name)

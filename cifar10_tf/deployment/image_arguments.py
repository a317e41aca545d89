"""What a command line names as images -> files, one after the other."""

import glob
import io
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

STANDARD_INPUT = "-"

# As large as a photograph of 50 million pixels without compression.
_MAX_BYTES = 200_000_000


class ImageFile(NamedTuple):
    """A file that may be an image: its name, and where its bytes are."""

    name: str
    file: str | BinaryIO


class Failure(NamedTuple):
    """What can't be classified, and why."""

    name: str
    error: str

    def to_dict(self) -> dict[str, str]:
        """Returns what `predict --format=json` prints of it."""
        return {"file": self.name, "error": self.error}


def find(arguments: Iterable[str]) -> Iterator[ImageFile | Failure]:
    """Yields the files that are named, sorted where a name is of several.

    A folder is all files in it and below it that are not hidden; * ? and []
    stand for what they do in a shell, ** for any folders; - is standard input.
    A file that is named twice comes twice.
    """
    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield _standard_input()
            continue
        try:
            path = str(paths.absolute(argument))
        except UserError as error:
            yield Failure(argument, str(error))
            continue
        # The name as it was given; what ~ stands for is in the path.
        if os.path.lexists(path) or not glob.has_magic(argument):
            yield from _files(argument, path)
        else:
            # Names stay relative where they were given so.
            is_home = argument.startswith("~")
            yield from _matching(path if is_home else argument)


def _standard_input() -> ImageFile | Failure:
    content = sys.stdin.buffer.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        return Failure(STANDARD_INPUT, f"more than {_MAX_BYTES:,} bytes")
    return ImageFile(STANDARD_INPUT, io.BytesIO(content))


def _matching(pattern: str) -> Iterator[ImageFile | Failure]:
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        yield Failure(pattern, "no file of such a name")
    folders = set()
    for match in matches:
        path = pathlib.PurePath(match)
        # ** finds a folder, and what is in it once more.
        if folders.isdisjoint(path.parents):
            yield from _files(match, match)
            if os.path.isdir(match):
                folders.add(path)


def _files(name: str, path: str) -> Iterator[ImageFile | Failure]:
    if not os.path.isdir(path):
        yield ImageFile(name, path)
        return

    def shown(below: str) -> str:
        return str(pathlib.Path(name, os.path.relpath(below, path)))

    problems, is_empty = [], True
    for folder, folders, files in os.walk(path, onerror=problems.append):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(f for f in files if not f.startswith(".")):
            is_empty = False
            below = os.path.join(folder, file)
            yield ImageFile(shown(below), below)
    for problem in problems:
        yield Failure(shown(problem.filename), problem.strerror)
    if is_empty and not problems:
        yield Failure(name, "a folder without files")

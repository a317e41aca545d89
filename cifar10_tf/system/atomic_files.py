"""Writing files safely, and finding out whether they can be written."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any


def check_writable(directory: pathlib.Path) -> None:
    """Checks that a directory can be written, or made where it is missing.

    Leaves nothing behind, and nothing that another process could see meanwhile
    where the system has files without a name (Linux).

    Raises:
        OSError: it can't.
    """
    while not directory.exists():
        directory = directory.parent
    # Root may write where modes forbid it, but not in /proc: only trying tells.
    tempfile.TemporaryFile(dir=directory).close()


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields another name, of the same suffix; then the file takes `path`.

    Either the old file or the whole new one is there at any moment, after a
    power cut too.
    """
    aside = path.with_name(f".new-{path.name}")
    aside.unlink(missing_ok=True)  # might be a link to somewhere else
    try:
        with naming(path):
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(aside, path)
            _sync_directory(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_directory(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields another name; then the directory there takes `path`.

    Never is half of it there. For a moment there is neither the old nor the new
    one, since no directory can take the place of another.
    """
    aside = path.with_name(f".new-{path.name}")
    old = path.with_name(f".old-{path.name}")
    try:
        with naming(path):
            _remove(aside)
            yield aside
            _remove(old)
            if path.exists():
                path.rename(old)
            aside.rename(path)
            _sync_directory(path.parent)
    finally:
        _remove(aside)
        _remove(old)


def _remove(directory: pathlib.Path) -> None:
    if directory.is_symlink():
        directory.unlink()
    elif directory.exists():
        shutil.rmtree(directory)


def append(path: pathlib.Path, text: str) -> None:
    """Appends text to a file; it is on the disk then."""
    with naming(path), path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def naming(path: pathlib.Path) -> Iterator[None]:
    """Gives errors of the system a file name where they have none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _sync_directory(path: pathlib.Path) -> None:
    if os.name == "posix":  # else a directory can't be opened
        directory = os.open(path, os.O_RDONLY)
        try:
            # Not every file system can; the file is there all the same.
            with contextlib.suppress(OSError):
                os.fsync(directory)
        finally:
            os.close(directory)


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a value as indented JSON, by way of `replacing`.

    Raises:
        ValueError: there is a number in it that JSON does not have.
    """
    with replacing(path) as aside:
        text = json.dumps(value, indent=2, allow_nan=False)
        aside.write_text(text + "\n", "utf-8")

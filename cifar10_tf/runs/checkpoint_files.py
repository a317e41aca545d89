"""The files of a run's checkpoints, told by their names; free of TensorFlow."""

import contextlib
import pathlib
import re

_NAME = re.compile(r"step-(\d{8,})-([0-9a-f]{32})\.zip", re.ASCII)
_ASIDE = ".new-"  # what a file is called while it is written


def find(directory: pathlib.Path) -> list[pathlib.Path]:
    """Returns the checkpoints of a directory, that of the last step first."""
    paths = [p for p in directory.glob("step-*") if _NAME.fullmatch(p.name)]
    return sorted(paths, key=step_of, reverse=True)


def step_of(path: pathlib.Path) -> int:
    """Returns the step that a checkpoint is named after."""
    return int(_NAME.fullmatch(path.name)[1])


def mark_damaged(path: pathlib.Path) -> None:
    """Renames a checkpoint so that `find` does not find it any more."""
    path.rename(f"{path}.damaged")


def remove_unfinished(directory: pathlib.Path) -> None:
    """Removes what a process that died was writing."""
    for path in directory.glob(f"{_ASIDE}step-*"):
        _remove(path, path.name.removeprefix(_ASIDE))


def remove_all(directory: pathlib.Path) -> None:
    """Removes the checkpoints, and the directory if nothing else is in it."""
    remove_unfinished(directory)
    for path in directory.glob("step-*"):
        _remove(path, path.name.removesuffix(".damaged"))
    with contextlib.suppress(OSError):  # somebody has put something there
        directory.rmdir()


def _remove(path: pathlib.Path, name: str) -> None:
    # A directory of that name is not of ours.
    if _NAME.fullmatch(name) and path.is_file():
        path.unlink()

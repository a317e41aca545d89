"""What is compared: who can take part, and whose turn it is."""

import importlib.metadata
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


def is_installed(subject: str, packages: Sequence[str]) -> bool:
    """Tells whether a subject has its packages; says so on stderr if not."""
    missing = [p for p in packages if not _is_there(p)]
    if missing:
        print(
            f"{subject}: left out; pip install {' '.join(missing)} to have it",
            file=sys.stderr,
        )
    return not missing


def _is_there(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def turns(names: Sequence[str], repeats: int) -> Iterator[tuple[int, str]]:
    """Yields (round, name), every name once a round; round 0 does not count.

    The machines are shared and noisy: only what ran in turn can be compared.
    Every other round goes backwards, so that nobody always comes after the
    same one.
    """
    for number in range(repeats + 1):
        for name in names[:: 1 if number % 2 else -1]:
            yield number, name


def in_turn(
    subjects: dict[str, Callable[[], _Value]],
    repeats: int,
    show: Callable[[_Value], str] = "{:.4g}".format,
) -> dict[str, list[_Value]]:
    """Calls every subject in its turns and returns what counts.

    show: a value as the progress on stderr has it.
    """
    values = {name: [] for name in subjects}
    for number, name in turns(list(subjects), repeats):
        value = subjects[name]()
        if number:
            values[name].append(value)
        print(f"{number}/{repeats} {name}: {show(value)}", file=sys.stderr)
    return values

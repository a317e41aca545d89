"""Lets pytest run the benchmarks' tests: they are programs, not a package."""

import pathlib
import sys

_BENCHMARKS = pathlib.Path(__file__).absolute().parents[1]
# The repository comes first: its `tests` is a package, this folder is none.
sys.path[:0] = [str(_BENCHMARKS.parent), str(_BENCHMARKS)]

# As in all other tests.
from tests.conftest import _directory_of_ones_own  # noqa: E402, F401

"""The clone that the benchmarks are run from: its folders and its commit."""

import pathlib
import subprocess

BENCHMARKS = pathlib.Path(__file__).absolute().parents[1]
REPOSITORY = BENCHMARKS.parent


def results_folder(quick: bool) -> pathlib.Path:
    """Returns where results go unless told otherwise."""
    # Quick ones mean little.
    return REPOSITORY / "runs/benchmarks" if quick else BENCHMARKS / "results"


def commit() -> str | None:
    """Returns the commit that is checked out; "-dirty" where it is changed."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        # Results that another benchmark has just written don't count.
        changed = _git("status", "--porcelain", "--", ":/", ":!results")
    except (OSError, subprocess.CalledProcessError):  # no git, or no clone
        return None
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    return subprocess.check_output(
        ["git", *arguments],
        text=True,
        cwd=BENCHMARKS,
        stderr=subprocess.DEVNULL,
    ).strip()

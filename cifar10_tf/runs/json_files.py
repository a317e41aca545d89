"""A run's config.json and summary.json: read, or why they can't be."""

import json
import numbers
import os
import pathlib
from typing import Any

from cifar10_tf.settings.config import POLICIES, Config, NewerVersionError
from cifar10_tf.system.errors import UserError

# Where the configs of several runs are, below the directory of all.
_OF_STUDY = "seed*/config.json"
OF_SWEEP = f"trial*/{_OF_STUDY}"

# Of a summary: what is formatted as a number, where it is there.
_FIGURES = (
    "test_accuracy", "test_accuracy_tta", "test_loss", "train_accuracy",
    "validation_accuracy", "train_sec", "total_sec", "images_per_sec",
    "num_params",
)  # fmt: skip


def parse_summary(text: str) -> dict[str, Any]:
    """Returns what a summary.json says.

    Raises:
        ValueError, LookupError, TypeError, RecursionError: it is damaged.
    """
    summary = json.loads(text)
    if summary["precision"] not in POLICIES:
        raise ValueError(f"precision {summary['precision']}")
    for name in _FIGURES:
        if not isinstance(summary.get(name) or 0, numbers.Real):
            raise TypeError(f"{name} {summary[name]!r}")
    return summary


def read_config(path: pathlib.Path, *, is_run: bool) -> Config:
    """Returns the config in a file.

    Args:
        path: of the file, in the directory of a run.
        is_run: whether other files of a run are beside it, so that it is taken
            for damaged where it is none.

    Raises:
        UserError: there is none, or none of this program's.
        PermissionError: it may not be read.
    """
    directory = path.parent
    if directory.is_symlink() and not directory.exists():
        raise UserError(
            f"{directory} is a symbolic link to {os.readlink(directory)}, "
            "where there is nothing. Mend or remove it, or choose another "
            "directory."
        )
    if not directory.exists():
        raise UserError(f"{directory} does not exist.")
    try:
        return Config.from_json(path.read_text("utf-8"))
    except NewerVersionError as error:
        raise UserError(
            f"the run in {directory} is of a newer version of cifar10_tf "
            f"({error}): upgrade, or choose another directory."
        ) from error
    except PermissionError:
        raise
    except Exception as error:  # whatever is in it
        if is_run and path.is_file():
            raise UserError(
                f"{path} is damaged: {' '.join(str(error).split())}. The "
                "directory is left alone; choose another one."
            ) from error
        for pattern, what, how in (
            (
                OF_SWEEP,
                "sweep",
                "The command that began a sweep goes on with it",
            ),
            (_OF_STUDY, "study", "--num_runs goes on with a study"),
        ):
            if runs := sorted(directory.glob(pattern)):
                raise UserError(
                    f"{directory} is that of a {what}, and is left alone; "
                    f"choose one of its runs, as {runs[0].parent}. {how}."
                ) from error
        raise UserError(
            f"{directory} is not a run directory, and is left alone: it has "
            "no config.json of a run; choose another directory."
        ) from error

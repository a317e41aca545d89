"""`corruptions.json`: what `evaluate --corruptions` found of a run."""

import json
import os
from typing import Any

import numpy as np

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.atomic_files import write_json
from cifar10_tf.system.errors import UserError

# Where corrupted images are from.
COMPUTED, TFDS = "computed", "tfds"

_SOURCES = {
    COMPUTED: "made here, by the published definitions",
    TFDS: "of TFDS, cifar10_corrupted",
}


def source_text(source: str) -> str:
    """Says in words where the images of a result are from."""
    return _SOURCES.get(source, "made here or TFDS's, as named")


def table_with_means(accuracy: dict[str, list[float]]) -> np.ndarray:
    """Returns accuracies, float64 [types + 1, severities + 1], means last.

    accuracy: by type, of each severity.
    """
    table = np.array(list(accuracy.values()), float)
    table = np.vstack([table, table.mean(axis=0)])
    return np.hstack([table, table.mean(axis=1, keepdims=True)])


def write(run: RunDirectory, result: dict[str, Any]) -> None:
    """Keeps the result on a run's own test images in the run's directory.

    An earlier result is replaced; nothing else is.

    Args:
        result: what `evaluate` writes into a file.

    Raises:
        UserError: something else has the file's name, or it can't be written.
    """
    if os.path.lexists(run.corruptions):
        _read(run)
    try:
        write_json(run.corruptions, result)
    except OSError as error:
        raise UserError(
            f"{run.corruptions} can't be written ({error.strerror})."
        ) from error


def read(run: RunDirectory, summary: dict[str, Any]) -> dict[str, Any] | None:
    """Returns what `write` wrote, if anything.

    Raises:
        UserError: it is damaged, or not of this run and its test images.
    """
    if not os.path.lexists(run.corruptions):
        return None
    result = _read(run)
    expected = {
        "model": summary["model"],
        "dataset": summary["dataset"],
        "seed": summary["seed"],
        "split": "test",
        "num_images": summary["num_test_examples"],
    }
    if any(result.get(name) != value for name, value in expected.items()):
        raise UserError(
            f"{run.corruptions} is of another run, or of other images: remove "
            "it, and `evaluate --corruptions` makes it again."
        )
    return result


def _read(run: RunDirectory) -> dict[str, Any]:
    try:
        if not run.corruptions.is_file():
            raise ValueError("it is no file")  # a pipe would be waited for
        result = json.loads(run.corruptions.read_text("utf-8"))
        corruptions = result["corruptions"]
        table = np.array(list(corruptions["accuracy"].values()), float)
        low, high = corruptions["mean_accuracy_ci95"]
        if (
            table.shape[1:] != (len(corruptions["severities"]),)
            or not table.size
            or not all(0 <= share <= 1 for share in [*table.flat, low, high])
            or corruptions["sources"].keys() != corruptions["accuracy"].keys()
            or not set(corruptions["sources"].values()) <= {COMPUTED, TFDS}
            or not isinstance(corruptions["source"], str)
        ):
            raise ValueError("it is no result")
    except Exception as error:  # whatever is in it
        raise UserError(
            f"{run.corruptions} is damaged, or no result of ours: remove it, "
            "and `evaluate --corruptions` makes it again."
        ) from error
    return result

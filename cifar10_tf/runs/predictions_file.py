"""`test_predictions.npz`: what a run's model says of each test image."""

import pathlib
from typing import NamedTuple

import numpy as np

from cifar10_tf.system.atomic_files import replacing
from cifar10_tf.system.errors import UserError


class Predictions(NamedTuple):
    """Of a whole split, in its order.

    Attributes:
        probabilities: float16 [num_examples, num_classes].
        labels: int64 [num_examples].
    """

    probabilities: np.ndarray
    labels: np.ndarray


def write(
    path: pathlib.Path, probabilities: np.ndarray, labels: np.ndarray
) -> None:
    """Writes predictions; the most probable class stays the one it is.

    Args:
        probabilities: float32 [num_examples, num_classes].
        labels: integers [num_examples].
    """
    rounded = probabilities.astype(np.float16)
    best = probabilities.argmax(axis=1)
    (ties,) = np.nonzero(rounded.argmax(axis=1) != best)
    rounded[ties, best[ties]] = np.nextafter(
        rounded[ties, best[ties]], np.float16(2)
    )
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file, probabilities=rounded, labels=labels.astype(np.int64)
        )


def read(path: pathlib.Path) -> Predictions:
    """Returns predictions that `write` wrote.

    Raises:
        UserError: the file is missing, damaged or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            predictions = Predictions(arrays["probabilities"], arrays["labels"])
    except Exception as error:  # whatever is in it
        raise _damaged(path) from error
    if not _fit(*predictions):
        raise _damaged(path)
    return predictions


def _fit(probabilities: np.ndarray, labels: np.ndarray) -> bool:
    return (
        probabilities.ndim == 2
        and probabilities.dtype == np.float16
        and labels.dtype == np.int64
        and labels.shape == probabilities.shape[:1]
        and probabilities.size > 0
        and bool(np.isfinite(probabilities).all())
        and 0 <= labels.min() <= labels.max() < probabilities.shape[1]
    )


def _damaged(path: pathlib.Path) -> UserError:
    if not path.exists():
        return UserError(f"{path} is missing: `report` makes it.")
    return UserError(
        f"{path} is damaged: remove it, and `report` makes it again."
    )

"""Counts of true and predicted classes -> figures of each class."""

from typing import NamedTuple

import numpy as np


class ClassFigures(NamedTuple):
    """Of one class; None where it would be a share of nothing.

    Attributes:
        num_examples: how many are of the class.
        precision: the share of those predicted that are of the class.
        recall: the share of those of the class that are predicted.
        f1: the harmonic mean of both.
    """

    num_examples: int
    precision: float | None
    recall: float | None
    f1: float | None


def confusion_matrix(
    labels: np.ndarray, predictions: np.ndarray, num_classes: int
) -> np.ndarray:
    """Returns counts, int64 [true class, predicted class]."""
    flat = labels.astype(np.int64) * num_classes + predictions
    counts = np.bincount(flat, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def figures_by_class(confusion: np.ndarray) -> list[ClassFigures]:
    """Returns the figures of each class of a confusion matrix."""
    right, true = np.diag(confusion), confusion.sum(axis=1)
    predicted = confusion.sum(axis=0)
    return [
        ClassFigures(
            int(true[i]),
            _share(right[i], predicted[i]),
            _share(right[i], true[i]),
            _share(2 * right[i], true[i] + predicted[i]),
        )
        for i in range(len(confusion))
    ]


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None

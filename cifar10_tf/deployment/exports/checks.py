"""Whether an export computes what Keras does."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from cifar10_tf.datasets.loading import Examples
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.settings.export_formats import FORMATS, ExportFormat
from cifar10_tf.system.progress_lines import ProgressLines

if TYPE_CHECKING:  # a server may do without
    from cifar10_tf.deployment.runtimes.keras_run import KerasRun

NUM_COMPARED = 1000
_BATCH_SIZE = 250

# Of the accuracy of an integer network.
_MOST_LOST = 0.01


class CheckError(Exception):
    """An export does not do what the run does; the message says by how much."""


class _Limits(NamedTuple):
    max_difference: float
    share_of_other_class: float


# Trained networks differ by 1e-6. Where logits are hundreds apart, as of a
# mobilenet_v2 after 16 steps, rounding alone makes 3e-4 in LiteRT and 6e-5 in
# Keras itself, against float64; a mistake makes hundredths.
_EXACT = _Limits(1e-3, 0.0)

# Rounding to 8 bits in every layer is no more exact: bfloat16's own error.
_MIXED = _Limits(1e-2, 0.01)


class Reference(NamedTuple):
    """What Keras says of the test split, in the precision of the run.

    Attributes:
        test: its images and labels.
        probabilities: float32 [num_images, num_classes].
        precision: of the run.
    """

    test: Examples
    probabilities: np.ndarray
    precision: str

    @classmethod
    def compute(
        cls, in_keras: "KerasRun", test: Examples, formats: Collection[str]
    ) -> Self:
        """Has Keras predict as many images as the check of formats needs."""
        if not any(FORMATS[name].is_quantized for name in formats):
            test = Examples(*(array[:NUM_COMPARED] for array in test))
        probabilities = _in_batches(in_keras, test.images)
        return cls(test, probabilities, in_keras.precision)


def is_close(
    probabilities: np.ndarray, expected: np.ndarray, precision: str
) -> bool:
    """Tells whether they are as near as the check wants them; NaN is not.

    precision: of the run that `expected` is of.
    """
    difference = np.abs(probabilities - expected).max()
    return bool(difference <= _limits(precision).max_difference)


def _limits(precision: str) -> _Limits:
    return _EXACT if precision == "float32" else _MIXED


def _in_batches(runtime: Runtime, images: np.ndarray) -> np.ndarray:
    outputs = []
    with ProgressLines("Images evaluated", len(images)) as progress:
        for start in range(0, len(images), _BATCH_SIZE):
            batch = images[start : start + _BATCH_SIZE]
            outputs.append(runtime.predict(batch))
            progress.advance(len(batch))
    return np.concatenate(outputs)


def check(runtime: Runtime, of: ExportFormat, reference: Reference) -> dict:
    """Compares with Keras, and returns the figures.

    The first 1,000 test images are compared one by one; of an integer network
    the accuracy, on all of them.

    Raises:
        CheckError: they are too far apart.
    """
    num = None if of.is_quantized else NUM_COMPARED
    images, labels = reference.test.images[:num], reference.test.labels[:num]
    probabilities = _in_batches(runtime, images)
    expected = reference.probabilities[:num]
    figures = _compare(probabilities[:NUM_COMPARED], expected[:NUM_COMPARED])
    if not of.is_quantized:
        _check_limits(figures, reference.precision)
        return figures
    figures["test_accuracy"] = _accuracy(probabilities, labels)
    lost = _accuracy(expected, labels) - figures["test_accuracy"]
    if round(lost * len(labels)) > math.ceil(_MOST_LOST * len(labels)):
        raise CheckError(
            f"its accuracy is {100 * lost:.1f} points lower than Keras's; at "
            f"most {100 * _MOST_LOST:.0f} was expected"
        )
    return figures


def _compare(probabilities: np.ndarray, expected: np.ndarray) -> dict:
    same = probabilities.argmax(axis=1) == expected.argmax(axis=1)
    return {
        "num_compared": len(expected),
        "max_difference": float(np.abs(probabilities - expected).max()),
        "agreement": float(same.mean()),
    }


def _check_limits(figures: dict, precision: str) -> None:
    limits = _limits(precision)
    num = figures["num_compared"]
    num_other = round((1 - figures["agreement"]) * num)
    # NaN is within no limit.
    if not (
        figures["max_difference"] <= limits.max_difference
        and num_other <= math.ceil(limits.share_of_other_class * num)
    ):
        raise CheckError(
            f"it differs from Keras by up to {figures['max_difference']:.1e} "
            f"and has another class for {num_other} of {num:,} images; at most "
            f"{limits.max_difference:.0e} and "
            f"{limits.share_of_other_class:.0%} were expected"
        )


def _accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())

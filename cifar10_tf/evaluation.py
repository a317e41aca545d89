"""A saved model and a dataset -> metrics with intervals."""

import dataclasses
import logging
import math
import warnings
import zipfile
from typing import Self

import keras
import numpy as np

from cifar10_tf import models, pipeline, tta
from cifar10_tf.datasets import Examples
from cifar10_tf.errors import UserError
from cifar10_tf.models.plain import in_plain_keras
from cifar10_tf.run_directory import RunDirectory

_log = logging.getLogger(__name__)

# Any size gives the same but for rounding; this one keeps activations small.
_BATCH_SIZE = 250


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Predictions for a whole split.

    `probabilities` is float32 [num_examples, num_classes], `labels` integers
    [num_examples].
    """

    probabilities: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    augmented: Self | None = None  # with test-time augmentation, if asked for

    @property
    def predictions(self) -> np.ndarray:
        """The most probable class of each example, int64 [num_examples]."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """The share of examples that are classified right."""
        return float((self.predictions == self.labels).mean())

    @property
    def accuracy_ci95(self) -> tuple[float, float]:
        """The accuracy's 95 % Wilson interval."""
        correct = int((self.predictions == self.labels).sum())
        return wilson_interval(correct, len(self.labels))

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats; probabilities clipped at 1e-7."""
        rows = np.arange(len(self.labels))
        p = self.probabilities[rows, self.labels].astype(np.float64)
        return float(-np.log(np.clip(p, 1e-7, 1.0)).mean())

    @property
    def per_class_accuracy(self) -> dict[str, float | None]:
        """Accuracy by class name; None for a class without examples."""
        confusion = self.confusion_matrix
        return {
            name: float(row[i] / row.sum()) if row.sum() else None
            for i, (name, row) in enumerate(
                zip(self.class_names, confusion, strict=True)
            )
        }

    @property
    def confusion_matrix(self) -> np.ndarray:
        """Counts, int64 [true class, predicted class]."""
        size = len(self.class_names)
        flat = self.labels * size + self.predictions
        return np.bincount(flat, minlength=size**2).reshape(size, size)

    def metrics(self) -> dict:
        """Returns what `summary.json` says of the test split."""
        metrics = {
            "test_accuracy": self.accuracy,
            "test_accuracy_ci95": self.accuracy_ci95,
            "test_loss": self.loss,
            "per_class_accuracy": self.per_class_accuracy,
        }
        if self.augmented:
            metrics |= {
                "test_accuracy_tta": self.augmented.accuracy,
                "test_accuracy_tta_ci95": self.augmented.accuracy_ci95,
            }
        return metrics


def wilson_interval(
    successes: int, trials: int, z: float = 1.959964
) -> tuple[float, float]:
    """Returns Wilson's score interval of a proportion; 95 % by default.

    Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 1927.
    """
    p = successes / trials
    center = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    low, high = (center - spread) / scale, (center + spread) / scale
    return max(0.0, low), min(1.0, high)


def evaluate(
    run: RunDirectory,
    test: Examples,
    class_names: tuple[str, ...],
    *,
    with_tta: bool = False,
) -> Evaluation:
    """Evaluates the model that a run saved on the whole test split.

    With `with_tta`, a second time with test-time augmentation. The global dtype
    policy must be that of the training.

    Raises:
        UserError: the model can't be loaded, tells other classes apart, or
            predicts what is no number.
    """
    num_classes = len(class_names)
    model = _load(run, num_classes)
    _log.info(
        "Evaluating on %s images%s.",
        f"{len(test.labels):,}",
        f", then on {tta.NUM_VIEWS} views of each" if with_tta else "",
    )

    def batches(size: int):
        return pipeline.make_eval(
            *test, num_classes=num_classes, batch_size=size
        )

    probabilities = model.predict(batches(_BATCH_SIZE), verbose=0)
    if not np.isfinite(probabilities).all():
        raise UserError(
            f"{run.model} predicts what is no number: its training has "
            "diverged. Start over with --restart and a lower --learning_rate."
        )
    result = Evaluation(probabilities, test.labels, class_names)
    if not with_tta:
        return result
    probabilities = tta.predict(model, batches(_BATCH_SIZE // tta.NUM_VIEWS))
    augmented = Evaluation(probabilities, test.labels, class_names)
    return dataclasses.replace(result, augmented=augmented)


def _load(run: RunDirectory, num_classes: int) -> keras.Model:
    """Returns the network of the run's config with the weights that it saved.

    The file says what numbers go in, not what is computed: a model of somebody
    else's can't run code.
    """
    name = run.read_config().model
    # As the file loads without this package, so that figures agree.
    model = in_plain_keras(models.build_model(name, num_classes=num_classes))
    if not run.model.is_file():
        raise UserError(f"{run.model} is missing; train it again by --restart.")
    try:
        with zipfile.ZipFile(run.model) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
        with warnings.catch_warnings():
            # Of layers that are not in the file Keras only warns.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(run.model)
    except Exception as error:  # a zip or HDF5 error, or Keras's own
        raise UserError(
            f"{run.model} can't be loaded: it is damaged, or no {name} that "
            f"tells {num_classes} classes apart ({type(error).__name__}); "
            "train it again with --restart."
        ) from error
    return model

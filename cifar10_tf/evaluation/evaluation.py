"""A saved model and a dataset -> metrics with intervals."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from typing import Self

import keras
import numpy as np

from cifar10_tf.datasets.loading import Examples
from cifar10_tf.evaluation import classification, statistics, tta
from cifar10_tf.pipeline.batches import make_eval
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.progress_lines import ProgressLines

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
        return statistics.wilson_interval(correct, len(self.labels))

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats; probabilities clipped at 1e-7."""
        rows = np.arange(len(self.labels))
        p = self.probabilities[rows, self.labels].astype(np.float64)
        return float(-np.log(np.clip(p, 1e-7, 1.0)).mean())

    @property
    def per_class_accuracy(self) -> dict[str, float | None]:
        """Accuracy by class name; None for a class without examples."""
        figures = classification.figures_by_class(self.confusion_matrix)
        return {
            name: of_class.recall
            for name, of_class in zip(self.class_names, figures, strict=True)
        }

    @property
    def confusion_matrix(self) -> np.ndarray:
        """Counts, int64 [true class, predicted class]."""
        return classification.confusion_matrix(
            self.labels, self.predictions, len(self.class_names)
        )

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


def evaluate(
    run: RunDirectory,
    examples: Examples,
    class_names: tuple[str, ...],
    *,
    with_tta: bool = False,
) -> Evaluation:
    """Evaluates the model that a run saved on all of a split.

    With `with_tta`, a second time with test-time augmentation. The global dtype
    policy must be that of the training.

    Raises:
        UserError: the model can't be loaded, tells other classes apart, or
            predicts what is no number.
    """
    num_classes = len(class_names)
    model = saved_model.load(run, num_classes)
    _log.info(
        "Evaluating on %s images%s.",
        f"{len(examples.labels):,}",
        f", then on {tta.NUM_VIEWS} views of each" if with_tta else "",
    )

    def batches(size: int):
        return make_eval(*examples, num_classes=num_classes, batch_size=size)

    size = _BATCH_SIZE
    with _progress("Images evaluated", examples, size) as callbacks:
        probabilities = model.predict(
            batches(size), verbose=0, callbacks=callbacks
        )
    check_finite(probabilities, run)
    result = Evaluation(probabilities, examples.labels, class_names)
    if not with_tta:
        return result
    size = _BATCH_SIZE // tta.NUM_VIEWS
    what = f"Images evaluated in {tta.NUM_VIEWS} views"
    with _progress(what, examples, size) as callbacks:
        probabilities = tta.predict(model, batches(size), callbacks)
    augmented = Evaluation(probabilities, examples.labels, class_names)
    return dataclasses.replace(result, augmented=augmented)


@contextlib.contextmanager
def _progress(
    what: str, examples: Examples, batch_size: int
) -> Iterator[list[keras.callbacks.Callback]]:
    """Yields what has a prediction in batches say how far it is."""
    with ProgressLines(what, len(examples.labels)) as progress:
        yield [
            keras.callbacks.LambdaCallback(
                on_predict_batch_end=lambda batch, logs: progress.advance(
                    batch_size
                )
            )
        ]


def check_finite(probabilities: np.ndarray, run: RunDirectory) -> None:
    """Checks what a run's model predicts.

    Raises:
        UserError: it is no number.
    """
    if not np.isfinite(probabilities).all():
        raise UserError(
            f"{run.model} predicts what is no number: its training has "
            "diverged. Start over with --restart and a lower --learning_rate."
        )

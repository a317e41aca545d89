"""A run directory -> all that a page or a comparison shows of it."""

import dataclasses
from typing import Any

import numpy as np

from cifar10_tf.datasets import names
from cifar10_tf.datasets.loading import load_prepared
from cifar10_tf.evaluation import missing_predictions
from cifar10_tf.evaluation.classification import confusion_matrix
from cifar10_tf.runs import predictions_file
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system.errors import UserError

# Between accuracies in summary.json and by predictions, which another machine
# may have made later: there a few in ten thousand come out otherwise.
_MAX_DIFFERENCE = 0.005


@dataclasses.dataclass(frozen=True)
class RunContents:
    """A complete run, as it lies on the disk.

    Attributes:
        probabilities: float64 [num_examples, num_classes], of the test split.
        labels: int64 [num_examples].
        problem: why there are no predictions; both are of no examples then.
    """

    directory: RunDirectory
    config: Config
    summary: dict[str, Any]
    history: list[dict[str, Any]]
    class_names: tuple[str, ...]
    probabilities: np.ndarray
    labels: np.ndarray
    problem: str = ""

    @property
    def title(self) -> str:
        """Model, dataset and seed, in a line."""
        return f"{self.config.model} on {self.dataset_title}"

    @property
    def dataset_title(self) -> str:
        """How people call the dataset."""
        return names.title(self.summary["dataset"])

    @property
    def predictions(self) -> np.ndarray:
        """The most probable class of each example, int64 [num_examples]."""
        return self.probabilities.argmax(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Which examples are classified right, booleans [num_examples]."""
        return self.predictions == self.labels

    @property
    def confusion(self) -> np.ndarray:
        """Counts, int64 [true class, predicted class]."""
        return confusion_matrix(
            self.labels, self.predictions, len(self.class_names)
        )


def read(directory: RunDirectory) -> RunContents:
    """Returns the contents of a complete run.

    One that has saved no predictions, as an older one, is evaluated for them.

    Raises:
        UserError: it is not complete, or damaged, or can't be evaluated.
    """
    contents = read_for_page(directory)
    if contents.problem:
        raise UserError(contents.problem)
    return contents


def read_for_page(directory: RunDirectory) -> RunContents:
    """Returns the contents of a run whose predictions may be missing.

    Raises:
        UserError: it is not complete, or its other files are damaged.
    """
    config = directory.read_config()
    summary, history = directory.read_summary(), directory.read_metrics()
    if not history:
        raise UserError(
            f"{directory.metrics} has no epoch of a complete run: make the run "
            "again with --restart."
        )
    try:
        missing_predictions.make(directory)
        return with_predictions(directory, config, summary, history)
    except UserError as error:
        contents = _without_predictions(directory, config, summary, history)
        return dataclasses.replace(contents, problem=str(error))


def _without_predictions(
    directory: RunDirectory,
    config: Config,
    summary: dict[str, Any],
    history: list[dict[str, Any]],
) -> RunContents:
    names = _class_names(summary)
    of_nothing = np.zeros((0, len(names))), np.zeros(0, np.int64)
    return RunContents(directory, config, summary, history, names, *of_nothing)


def with_predictions(
    directory: RunDirectory,
    config: Config,
    summary: dict[str, Any],
    history: list[dict[str, Any]],
) -> RunContents:
    """Returns the contents of a run, with the predictions that it has saved.

    Raises:
        UserError: there are none, or they don't fit the summary.
    """
    probabilities, labels = predictions_file.read(directory.predictions)
    contents = _without_predictions(directory, config, summary, history)
    num_classes = len(contents.class_names)
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    if (
        probabilities.shape != (summary["num_test_examples"], num_classes)
        or abs(accuracy - summary["test_accuracy"]) > _MAX_DIFFERENCE
    ):
        raise UserError(
            f"{directory.predictions} is of another run: remove it, and "
            "`report` makes it again."
        )
    return dataclasses.replace(
        contents, probabilities=probabilities.astype(np.float64), labels=labels
    )


def _class_names(summary: dict[str, Any]) -> tuple[str, ...]:
    # Older runs list them with their accuracies only.
    names = summary.get("class_names", summary["per_class_accuracy"])
    return tuple(map(str, names))


def test_images(run: RunContents) -> np.ndarray:
    """Returns the test images of a run, uint8 [num_examples, 32, 32, 3].

    Raises:
        UserError: they are not here, or others than those of the run.
    """
    dataset = load_prepared(run.config.dataset, run.config.data_dir)
    if not np.array_equal(dataset.test.labels, run.labels):
        raise UserError(
            f"the test images in {dataset.source} are not those of the run"
        )
    return dataset.test.images

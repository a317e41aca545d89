"""A saved model and corrupted images -> accuracies by type and severity."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from cifar10_tf.datasets.loading import Examples
from cifar10_tf.evaluation import statistics
from cifar10_tf.evaluation.corruptions.by_name import (
    CORRUPTIONS,
    SEVERITIES,
    corrupt,
)
from cifar10_tf.evaluation.corruptions.result_file import COMPUTED, TFDS
from cifar10_tf.evaluation.evaluation import check_finite
from cifar10_tf.pipeline.batches import make_eval
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.progress_lines import ProgressLines

# Of the corruptions: every run meets the same images.
_SEED = 0

# As in `evaluation`.
_BATCH_SIZE = 250

# name -> for each severity what returns its images; None: there are none.
Prepared = Callable[[str], list[Callable[[], Examples]] | None]


@dataclasses.dataclass(frozen=True)
class Robustness:
    """How well corrupted images are told apart.

    `accuracy` is by type, of severities 1 to 5; `sources` says of each type
    whether its images were computed here or are TFDS's.
    """

    accuracy: dict[str, list[float]]
    sources: dict[str, str]
    mean_accuracy_ci95: tuple[float, float]

    @property
    def mean_accuracy(self) -> float:
        """The mean over all types and severities."""
        return float(np.mean(list(self.accuracy.values())))

    @property
    def source(self) -> str:
        """Where the images are from: "computed", "tfds" or both."""
        return " and ".join(sorted(set(self.sources.values())))

    def metrics(self) -> dict:
        """Returns what the file of a result says of corruptions."""
        table = np.array(list(self.accuracy.values()))
        return {
            "source": self.source,
            "mean_accuracy": self.mean_accuracy,
            "mean_accuracy_ci95": self.mean_accuracy_ci95,
            "severities": list(SEVERITIES),
            "accuracy": self.accuracy,
            "mean_by_severity": table.mean(axis=0).tolist(),
            "sources": self.sources,
        }


def evaluate_corruptions(
    run: RunDirectory,
    examples: Examples,
    num_classes: int,
    prepared: Prepared | None = None,
) -> Robustness:
    """Evaluates the model that a run saved on each type and severity.

    The global dtype policy must be that of the training.

    Args:
        run: whose model it is.
        examples: the images before they are corrupted.
        num_classes: of the model.
        prepared: finds those that are corrupted already, if there may be any.

    Raises:
        UserError: as `evaluation.evaluate`, or prepared images are damaged.
    """
    model = saved_model.load(run, num_classes)
    accuracy, sources, cells = {}, {}, []
    total = len(CORRUPTIONS) * len(SEVERITIES)
    with ProgressLines("Corruptions", total) as progress:
        for name in CORRUPTIONS:
            found = prepared(name) if prepared else None
            sources[name] = TFDS if found else COMPUTED
            accuracy[name] = []
            for images, labels in _corrupted(examples, name, found):
                batches = make_eval(
                    images,
                    labels,
                    num_classes=num_classes,
                    batch_size=_BATCH_SIZE,
                )
                probabilities = model.predict(batches, verbose=0)
                check_finite(probabilities, run)
                right = probabilities.argmax(axis=1) == labels
                accuracy[name].append(float(right.mean()))
                cells.append((labels, right))
                progress.advance()
    return Robustness(accuracy, sources, mean_interval(cells))


def _corrupted(
    examples: Examples, name: str, found: list[Callable[[], Examples]] | None
) -> Iterator[Examples]:
    for severity in SEVERITIES:
        if found:
            yield found[severity - 1]()
        else:
            images = corrupt(examples.images, name, severity, _SEED)
            yield Examples(images, examples.labels)


def mean_interval(
    cells: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[float, float]:
    """Returns the 95 % interval of the mean over cells of accuracies.

    It is of other images, of the same types and severities. All cells show the
    same images: what one of them adds to the mean varies from image to image,
    and that determines the standard error. It stands for a number of
    independent images (at least those that there are), and Wilson's interval is
    of so many. Of a single cell it is the interval of its accuracy.

    Images in another order, or other ones, can't be matched: their standard
    errors are added up as if they always erred in the same direction.

    Args:
        cells: labels, [n], and whether each is predicted, bool [n].
    """
    groups = {}
    for labels, right in cells:
        groups.setdefault(labels.tobytes(), []).append(right)
    error = sum(
        len(group)
        / len(cells)
        * np.mean(group, axis=0).std()
        / group[0].size ** 0.5
        for group in groups.values()
    )
    mean = float(np.mean([right.mean() for _, right in cells]))
    num_images = min(right.size for _, right in cells)
    variance = mean * (1 - mean)
    num_effective = variance / error**2 if error else num_images
    return statistics.wilson_interval_of_share(
        mean, float(max(num_images, num_effective))
    )

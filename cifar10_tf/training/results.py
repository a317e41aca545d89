"""What a run leaves at its end: predictions, pictures, page and summary."""

import contextlib
import io
import logging
import warnings
from typing import Any

from matplotlib.figure import Figure

from cifar10_tf.datasets import names
from cifar10_tf.evaluation import fonts, plots
from cifar10_tf.evaluation.evaluation import Evaluation
from cifar10_tf.report import report, run_contents
from cifar10_tf.runs import predictions_file
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system.atomic_files import replacing
from cifar10_tf.training.callbacks.board import Board
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.training_data import TrainingData

_log = logging.getLogger(__name__)


def write(
    run: RunDirectory,
    config: Config,
    data: TrainingData,
    result: Evaluation,
    made_in: dict[str, Any],
    throughput: Throughput,
    board: Board,
) -> dict[str, Any]:
    """Writes predictions, pictures, page and, last, the summary, returned.

    Args:
        result: on the test split.
        made_in: what the summary says of model, environment and command.
    """
    predictions_file.write(run.predictions, result.probabilities, result.labels)
    history = run.read_metrics()
    _save_plots(run, config, data, history, result)
    board.finish(config, result, throughput.total_sec)
    summary = _summarize(config, data, history, result, made_in, throughput)
    contents = run_contents.with_predictions(run, config, summary, history)
    report.write(contents, data.test.images)
    run.complete(summary)
    return summary


def _summarize(
    config: Config,
    data: TrainingData,
    history: list[dict],
    result: Evaluation,
    made_in: dict[str, Any],
    throughput: Throughput,
) -> dict[str, Any]:
    return {
        "status": "complete",
        **config.settings(),
        **made_in,
        "steps": history[-1]["step"],
        "num_train_examples": data.num_train,
        "num_validation_examples": data.num_validation,
        "num_test_examples": len(result.labels),
        # Over the last epoch as it went, dropout included, as Keras shows it.
        "train_accuracy": history[-1]["accuracy"],
        "validation_accuracy": history[-1]["val_accuracy"],
        "class_names": list(data.class_names),
        "folder_digest": data.folder_digest,
        **result.metrics(),
        "start_sec": round(throughput.start_sec, 2),
        "first_step_sec": round(throughput.first_step_sec, 2),
        "train_sec": round(throughput.train_sec, 2),
        "total_sec": round(throughput.total_sec, 2),
        "images_per_sec": throughput.images_per_sec,
    }


def samples_png(config: Config, data: TrainingData) -> bytes:
    """Draws augmented training images, before there is any result."""
    file = io.BytesIO()
    dataset = names.title(config.dataset)
    figure = _samples(data, f"{config.model} on {dataset}")
    with _without_glyph_warnings():
        figure.savefig(file, dpi=100, format="png")
    return file.getvalue()


def _samples(data: TrainingData, title: str) -> Figure:
    first = data.train.shuffled(batch_size=32)
    images, labels = next(first.as_numpy_iterator())
    return plots.samples(
        images,
        labels.argmax(axis=1),
        data.class_names,
        f"Training images as the network sees them: {title}",
    )


def _save_plots(
    run: RunDirectory,
    config: Config,
    data: TrainingData,
    history: list[dict],
    result: Evaluation,
) -> None:
    """Draws samples, curves, predictions and confusion matrix as PNG files."""
    class_names = data.class_names
    title = _title(config, data.num_train, result)
    figures = {
        "samples": _samples(data, title),
        "curves": plots.curves(history, title),
        "predictions": plots.predictions(
            *data.test,
            result.probabilities,
            class_names,
            f"{title}\nThe first test images: truth : prediction, probability",
        ),
        "confusion_matrix": plots.confusion_matrix(
            result.confusion_matrix, class_names, title
        ),
    }
    if unknown := fonts.missing(class_names):
        _log.warning(
            "no font here has %s, of class names: pictures show boxes. Install "
            "one, as Debian's fonts-noto-cjk.",
            unknown[:20],
        )
    with _without_glyph_warnings():  # said already
        for name, figure in figures.items():
            with replacing(run.plots / f"{name}.png") as aside:
                figure.savefig(aside, dpi=150)


@contextlib.contextmanager
def _without_glyph_warnings():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def _title(config: Config, num_train: int, result: Evaluation) -> str:
    dataset = names.title(config.dataset)
    low, high = result.accuracy_ci95
    return (
        f"{config.model} on {dataset}, epoch {config.epochs}, "
        f"{num_train:,} training images\ntest accuracy {result.accuracy:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%})"
    )

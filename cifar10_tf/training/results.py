"""What a run shows at its end: the summary and the pictures."""

import logging
import warnings

import keras

from cifar10_tf.datasets import names
from cifar10_tf.evaluation import fonts, plots
from cifar10_tf.evaluation.evaluation import Evaluation
from cifar10_tf.models.building import num_params
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system.atomic_files import replacing
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.training_data import TrainingData

_log = logging.getLogger(__name__)


def summarize(
    config: Config,
    environment: dict,
    model: keras.Model,
    data: TrainingData,
    history: list[dict],
    result: Evaluation,
    throughput: Throughput,
) -> dict:
    """Returns what `summary.json` says.

    Args:
        environment: precision, versions and hardware.
        history: the rows of `metrics.jsonl`.
        result: on the test split.
    """
    return {
        "status": "complete",
        **config.settings(),
        **environment,
        "num_params": num_params(model),
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
        "first_step_sec": round(throughput.first_step_sec, 2),
        "train_sec": round(throughput.train_sec, 2),
        "total_sec": round(throughput.total_sec, 2),
        "images_per_sec": throughput.images_per_sec,
    }


def save_plots(
    run: RunDirectory,
    config: Config,
    data: TrainingData,
    history: list[dict],
    result: Evaluation,
) -> None:
    """Draws samples, curves, predictions and confusion matrix as PNG files."""
    class_names = data.class_names
    title = _title(config, data.num_train, result)
    first = data.train.shuffled(batch_size=32)
    images, labels = next(first.as_numpy_iterator())
    figures = {
        "samples": plots.samples(
            images,
            labels.argmax(axis=1),
            class_names,
            f"Training images as the network sees them: {title}",
        ),
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
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # said already
        for name, figure in figures.items():
            with replacing(run.plots / f"{name}.png") as aside:
                figure.savefig(aside, dpi=150)


def _title(config: Config, num_train: int, result: Evaluation) -> str:
    dataset = names.title(config.dataset)
    low, high = result.accuracy_ci95
    return (
        f"{config.model} on {dataset}, epoch {config.epochs}, "
        f"{num_train:,} training images\ntest accuracy {result.accuracy:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%})"
    )

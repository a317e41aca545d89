"""Run directories as a training leaves them, without a training."""

import json
import pathlib

import numpy as np
from PIL import Image

from cifar10_tf.runs import predictions_file
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config

CLASS_NAMES = ("cat", "dog", "cow")

# As `evaluate` writes them into a file.
CORRUPTIONS = {
    "source": "computed",
    "mean_accuracy": 0.5,
    "mean_accuracy_ci95": [0.4, 0.6],
    "severities": [1, 2],
    "accuracy": {"fog": [0.7, 0.5], "shot_noise": [0.6, 0.2]},
    "mean_by_severity": [0.65, 0.35],
    "sources": {"fog": "computed", "shot_noise": "computed"},
}


def write(
    path: pathlib.Path,
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    class_names: tuple[str, ...] = CLASS_NAMES,
    validated: bool = True,
    summary: dict | None = None,
    **settings,
) -> RunDirectory:
    """Writes what a complete run of these predictions would have."""
    directory = RunDirectory(path)
    directory.plots.mkdir(parents=True)
    config = make_config(
        **({"dataset": "cifar10", "run_dir": str(path), "epochs": 3} | settings)
    )
    directory.write_config(config)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    history = [
        {
            "epoch": epoch, "step": 5 * epoch, "learning_rate": 0.1,
            "loss": 2 / epoch, "accuracy": 0.2 * epoch,
            "val_loss": 2.1 / epoch if validated else None,
            "val_accuracy": 0.19 * epoch if validated else None,
            "images_per_sec": 1000.0, "train_sec": 2.0 * epoch,
        }
        for epoch in range(1, config.epochs + 1)
    ]  # fmt: skip
    directory.metrics.write_text("".join(f"{json.dumps(h)}\n" for h in history))
    full = config.settings() | {
        "status": "complete",
        "precision": "float32",
        "jit": False,
        "num_params": 1234,
        "steps": 15,
        "num_train_examples": 100,
        "num_validation_examples": 10 if validated else 0,
        "num_test_examples": len(labels),
        "train_accuracy": history[-1]["accuracy"],
        "validation_accuracy": history[-1]["val_accuracy"],
        "test_accuracy": accuracy,
        "test_accuracy_ci95": [accuracy * 0.9, accuracy * 0.9 + 0.1],
        "test_loss": 1.25,
        "class_names": list(class_names),
        "per_class_accuracy": dict.fromkeys(class_names, accuracy),
        "first_step_sec": 4.0,
        "train_sec": 6.0,
        "total_sec": 12.5,
        "images_per_sec": 1000.0,
        "versions": {"cifar10_tf": "0.1.0"},
        "hardware": {"cpu": "a CPU", "num_cpus": 2, "gpus": []},
        "command": "cifar10-tf --model=dropout",
    }
    directory.summary.write_text(json.dumps(full | (summary or {})))
    predictions_file.write(directory.predictions, probabilities, labels)
    Image.new("RGB", (300, 200)).save(directory.plots / "samples.png")
    return directory


def random_predictions(
    labels: np.ndarray, num_classes: int = 3, accuracy: float = 0.7, seed=0
) -> np.ndarray:
    """Returns probabilities, float32, about so often right."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([1] * num_classes, len(labels))
    best = np.where(
        rng.random(len(labels)) < accuracy,
        labels,
        rng.integers(0, num_classes, len(labels)),
    )
    rows = np.arange(len(labels))
    top = probabilities.argmax(axis=1)
    probabilities[rows, top], probabilities[rows, best] = (
        probabilities[rows, best],
        probabilities[rows, top].copy(),
    )
    return probabilities.astype(np.float32)

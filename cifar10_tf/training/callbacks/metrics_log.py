"""A line an epoch in `metrics.jsonl`."""

import json
import pathlib

import keras

from cifar10_tf.system.atomic_files import append, replacing


class MetricsLog(keras.callbacks.Callback):
    """Appends a line of JSON an epoch to `metrics.jsonl`.

    Args:
        path: of the file; None: another worker writes it.

    Attributes:
        history: a dict for each line so far.
    """

    def __init__(self, path: pathlib.Path | None):
        super().__init__()
        self._path = path
        self.history = []

    def begin(self, history: list[dict]) -> bool:
        """Makes the file hold these lines alone; tells whether it was there."""
        self.history = list(history)
        if not self._path:
            return False
        was_there = self._path.exists()
        with replacing(self._path) as aside:
            aside.write_text("".join(map(_as_line, history)), "utf-8")
        return was_there

    def on_epoch_end(self, epoch, logs=None):
        line = {
            "epoch": epoch + 1,
            # Not the optimizer's count: loss scaling skips some of its steps.
            "step": (epoch + 1) * self.params["steps"],
            "loss": logs["loss"],
            "accuracy": logs["accuracy"],
            "val_loss": logs.get("val_loss"),
            "val_accuracy": logs.get("val_accuracy"),
            "learning_rate": _shortest(self.model.optimizer.learning_rate),
            "images_per_sec": logs.get("images_per_sec"),
            "train_sec": logs["train_sec"],
        }
        self.history.append(line)
        if self._path:
            append(self._path, _as_line(line))


def _as_line(value: dict) -> str:
    return json.dumps(value) + "\n"


def _shortest(variable) -> float:
    """Returns 0.001 rather than 0.0010000000474974513 for float32's 0.001."""
    return float(str(variable.numpy()))

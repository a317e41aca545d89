"""What is measured and recorded while Keras trains."""

import json
import math
import pathlib
import time

import keras

from cifar10_tf import machine
from cifar10_tf.errors import UserError


class Throughput(keras.callbacks.Callback):
    """Times the training steps and their input, and nothing else.

    Validation and drawing don't count. Rates leave out the run's first step,
    which traces, and the run's rate its first epoch if there are more: XLA
    compiles for each batch size. Adds `images_per_sec` and `train_sec` to an
    epoch's logs; comes before the callbacks that record them.

    Attributes:
        train_sec: seconds spent in training steps so far.
        first_step_sec: seconds from the start of the process to the end of the
            first training step.
        images_per_sec: mean rate of the run so far; None before the second
            step.
    """

    def __init__(self, num_examples: int, batch_size: int):
        super().__init__()
        self._num_examples = num_examples
        self._batch_size = min(batch_size, num_examples)
        self.first_step_sec = None
        self.train_sec = 0.0
        self._steady_sec, self._steady_images = 0.0, 0
        self._epoch_images_per_sec = None

    @property
    def images_per_sec(self) -> float | None:
        return _rate(self._steady_images, self._steady_sec)

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self._steady_sec, self._steady_images = 0.0, 0
        self._started = self._steady_started = time.perf_counter()
        self._images = self._num_examples
        self._training = True

    def on_train_batch_end(self, batch, logs=None):
        if self.first_step_sec is None:
            self._wait()
            self.first_step_sec = machine.process_sec()
            self._steady_started = time.perf_counter()
            self._images -= self._batch_size

    def on_test_begin(self, logs=None):
        self._end_training()

    def on_epoch_end(self, epoch, logs=None):
        self._end_training()
        logs["train_sec"] = round(self.train_sec, 3)
        if self._epoch_images_per_sec:  # Keras's progress bar wants numbers
            logs["images_per_sec"] = self._epoch_images_per_sec

    def _end_training(self):
        if not self._training:  # validation has come before
            return
        self._training = False
        self._wait()
        now = time.perf_counter()
        self.train_sec += now - self._started
        self._steady_sec += now - self._steady_started
        self._steady_images += self._images
        self._epoch_images_per_sec = _rate(
            self._images, now - self._steady_started
        )

    def _wait(self):
        # Reading a value back is what waits for the device.
        int(self.model.optimizer.iterations)


def _rate(images: int, sec: float) -> float | None:
    return round(images / sec, 1) if images else None


class ValidateAverages(keras.callbacks.Callback):
    """Validates with the moving averages of the weights in place of them.

    For an optimizer with `use_ema`; `fit` itself leaves the averages in the
    model at its end. Keras's own SwapEMAWeights swaps by adding and
    subtracting, which rounds: whether a run validates would change what it
    learns. The statistics of BatchNormalization, which average over steps
    already, stay as they are. Comes after Throughput: it is no training.
    """

    def on_test_begin(self, logs=None):
        variables = self.model.trainable_variables
        self._latest = [keras.ops.copy(variable) for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)

    def on_test_end(self, logs=None):
        variables = self.model.trainable_variables
        for variable, value in zip(variables, self._latest, strict=True):
            variable.assign(value)
        del self._latest


class MetricsLog(keras.callbacks.Callback):
    """Appends a line of JSON an epoch to `metrics.jsonl`.

    Raises:
        UserError: the loss is not a number any more.
    """

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self._path = path

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise UserError(
                f"the loss became {logs['loss']} in epoch {epoch + 1}; start "
                "over with --restart and a lower --learning_rate."
            )
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
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _shortest(variable) -> float:
    """Returns 0.001 rather than 0.0010000000474974513 for float32's 0.001."""
    return float(str(variable.numpy()))

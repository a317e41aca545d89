"""The end of a training whose figures are not finite any more."""

import math
from collections.abc import Callable

import keras

from cifar10_tf.system.errors import UserError


class Divergence(keras.callbacks.Callback):
    """Ends a training when its loss, or a metric of an epoch, is not finite.

    Comes before what saves the training.

    Args:
        kept: says which checkpoint is kept.

    Raises:
        UserError: the training has diverged.
    """

    def __init__(self, kept: Callable[[], str]):
        super().__init__()
        self._kept = kept

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # A mean over the epoch: it stays what it became between two readings.
        if logs:
            self._check("the loss", logs["loss"], batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        for name, value in logs.items():
            self._check(name, value, self.params["steps"])

    def _check(self, name: str, value: float, num_steps: int) -> None:
        if not math.isfinite(value):
            step = self._epoch * self.params["steps"] + num_steps
            raise diverged(f"{name} became {value}", step, self._kept())


def diverged(what: str, step: int, kept: str) -> UserError:
    """Returns the error of a training that has diverged by a step."""
    return UserError(
        f"{what} by step {step:,}; {kept}. Start over with --restart and a "
        "lower --learning_rate, or --weight_decay where that is high."
    )

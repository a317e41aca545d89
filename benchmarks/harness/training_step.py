"""The compiled training step by itself: no pipeline, no callbacks."""

import keras
import tensorflow as tf

from cifar10_tf.models.building import build_model


def compiled_model(name: str) -> keras.Model:
    """Returns a model under the current dtype policy, with RMSprop."""
    model = build_model(name)
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    return model


class BareStep:
    """A model's training step, fed one batch over and over.

    Args:
        model: compiled.
        batches: a training pipeline, whose first batch is fed, by a dataset of
            the same type: so that it is the very step that `fit` traces.
    """

    def __init__(self, model: keras.Model, batches: tf.data.Dataset):
        self._model = model
        self._constant = iter(batches.take(1).cache().repeat())
        model.make_train_function()

    def run(self) -> None:
        """Begins a step."""
        self._model.train_function(self._constant)

    def wait(self) -> None:
        """Waits until the device has done every step."""
        int(self._model.optimizer.iterations)

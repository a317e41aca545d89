"""A .keras file that takes uint8 images: written, and computed by Keras."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from cifar10_tf.deployment.metadata import (
    Metadata,
    add_to_archive,
    from_archive,
)
from cifar10_tf.deployment.network import IMAGE, Network, taking_raw_images
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.models.building import build_model
from cifar10_tf.models.layers.plain_keras import in_plain_keras
from cifar10_tf.runs import saved_model


class KerasFile(Runtime):
    """The network that the file names, with the weights that are in it.

    What else is in the file is not looked at: a model of somebody else's can't
    run code.
    """

    name = "Keras"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        described = from_archive(path)
        self.class_names = described.class_names
        with saved_model.keeping_policy():
            keras.config.set_dtype_policy(described.precision)
            network = build_model(
                described.model, num_classes=len(self.class_names)
            )
            model = taking_raw_images(in_plain_keras(network))
        saved_model.load_weights(model, path)
        self._compute = tf.function(
            lambda images: model(images, training=False),
            input_signature=[IMAGE],
        )

    def _predict(self, images: np.ndarray) -> np.ndarray:
        return self._compute(images).numpy()

    @staticmethod
    def write(network: Network, path: pathlib.Path) -> Metadata:
        """Writes a model that loads in plain Keras, in the run's precision."""
        network.model.save(path)
        add_to_archive(path, network.metadata)
        return network.metadata

"""A SavedModel, in TensorFlow."""

import pathlib

import numpy as np
import tensorflow as tf

from cifar10_tf.deployment.metadata import MEMBER, Metadata
from cifar10_tf.deployment.runtimes.runtime import Runtime

# Where TensorFlow leaves what is not its own alone.
EXTRAS = "assets.extra"


class SavedModel(Runtime):
    """The signature "serving_default" of a directory."""

    name = "SavedModel"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        text = (path / EXTRAS / MEMBER).read_text("utf-8")
        self.class_names = Metadata.from_json(text).class_names
        # The signature lives as long as what it is of.
        self._loaded = tf.saved_model.load(path)
        self._compute = self._loaded.signatures["serving_default"]

    def _predict(self, images: np.ndarray) -> np.ndarray:
        outputs = self._compute(image=tf.constant(images))
        return outputs["probabilities"].numpy()

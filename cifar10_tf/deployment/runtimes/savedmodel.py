"""A SavedModel: written, and computed by TensorFlow."""

import pathlib

import numpy as np
import tensorflow as tf

from cifar10_tf.deployment.metadata import LABELS, MEMBER, Metadata
from cifar10_tf.deployment.network import Network
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.system import log_output

# In which TensorFlow looks at nothing.
_EXTRAS = "assets.extra"


class SavedModel(Runtime):
    """The signature "serving_default" of a directory."""

    name = "SavedModel"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        text = (path / _EXTRAS / MEMBER).read_text("utf-8")
        self.class_names = Metadata.from_json(text).class_names
        # The signature lives as long as what it is of.
        self._loaded = tf.saved_model.load(path)
        self._compute = self._loaded.signatures["serving_default"]
        outputs = self._compute.structured_outputs["probabilities"]
        self._check_classes(outputs.shape[-1])

    def _predict(self, images: np.ndarray) -> np.ndarray:
        outputs = self._compute(image=tf.constant(images))
        return outputs["probabilities"].numpy()

    @staticmethod
    def write(network: Network, path: pathlib.Path) -> Metadata:
        """Writes what TensorFlow Serving takes, in the run's precision."""
        # Weights are in the function: a module that has nothing will do.
        with log_output.quiet_stderr():
            tf.saved_model.save(
                tf.Module(), path, {"serving_default": network.frozen}
            )
        extras = path / _EXTRAS
        extras.mkdir()
        (extras / MEMBER).write_text(network.metadata.to_json(), "utf-8")
        (extras / LABELS).write_text(network.metadata.labels(), "utf-8")
        return network.metadata

"""An .onnx file, in ONNX Runtime; without TensorFlow."""

import pathlib

import numpy as np
import onnxruntime

from cifar10_tf.deployment.metadata import Metadata
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.system import inventory


class OnnxRuntime(Runtime):
    """The model of a file, on the CPU."""

    name = "ONNX Runtime"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        options = onnxruntime.SessionOptions()
        # Its own would be the machine's cores, also where fewer are allowed.
        options.intra_op_num_threads = inventory.num_cpus()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        texts = self._session.get_modelmeta().custom_metadata_map
        self.class_names = Metadata.from_texts(texts).class_names

    def _predict(self, images: np.ndarray) -> np.ndarray:
        (probabilities,) = self._session.run(
            ["probabilities"], {"image": images}
        )
        return probabilities

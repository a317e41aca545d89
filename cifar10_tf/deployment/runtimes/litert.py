"""A .tflite file, in LiteRT; without TensorFlow."""

import pathlib

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from cifar10_tf.deployment import metadata
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.system import inventory


class LiteRt(Runtime):
    """The model of a file, float or int8."""

    name = "LiteRT"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        self.class_names = metadata.from_archive(path).class_names
        self._interpreter = Interpreter(
            str(path), num_threads=inventory.num_cpus()
        )
        (inputs,) = self._interpreter.get_input_details()
        (outputs,) = self._interpreter.get_output_details()
        self._input, self._output = inputs["index"], outputs["index"]
        self._num_images = None

    def _predict(self, images: np.ndarray) -> np.ndarray:
        if self._num_images != len(images):
            self._interpreter.resize_tensor_input(
                self._input, images.shape, strict=True
            )
            self._interpreter.allocate_tensors()
            self._num_images = len(images)
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)

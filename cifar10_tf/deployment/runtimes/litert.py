"""A .tflite file: written, and computed by LiteRT without TensorFlow."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING, TextIO

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from cifar10_tf.deployment.metadata import (
    Metadata,
    add_to_archive,
    from_archive,
)
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.system import inventory, log_output

if TYPE_CHECKING:
    import tensorflow as tf

    from cifar10_tf.deployment.network import Network


class LiteRt(Runtime):
    """The model of a file, float or int8."""

    name = "LiteRT"
    _precision = "float32"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        self.class_names = from_archive(path).class_names
        self._interpreter = Interpreter(
            str(path), num_threads=inventory.num_cpus()
        )
        (inputs,) = self._interpreter.get_input_details()
        (outputs,) = self._interpreter.get_output_details()
        self._input, self._output = inputs["index"], outputs["index"]
        self._check_classes(int(outputs["shape"][-1]))
        self._take(1)

    def _take(self, num_images: int) -> None:
        """Makes room for so many images at a time, which takes a moment."""
        self._interpreter.resize_tensor_input(
            self._input, (num_images, 32, 32, 3), strict=True
        )
        self._interpreter.allocate_tensors()
        self._num_images = num_images

    def _predict(self, images: np.ndarray) -> np.ndarray:
        if self._num_images != len(images):
            self._take(len(images))
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)

    @classmethod
    def write(cls, network: "Network", path: pathlib.Path) -> Metadata:
        """Writes it in float32, its weights and labels in one file."""
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [cls._frozen(network).get_concrete_function()], tf.Module()
        )
        with log_output.quiet_stderr() as stderr:
            path.write_bytes(cls._convert(converter, network, stderr))
        # Readers of labels find them in an archive after the model.
        metadata = dataclasses.replace(
            network.metadata, precision=cls._precision
        )
        add_to_archive(path, metadata)
        return metadata

    @staticmethod
    def _frozen(
        network: "Network",
    ) -> "tf.types.experimental.PolymorphicFunction":
        """Returns what is to be converted."""
        return network.frozen_in_float32

    @staticmethod
    def _convert(
        converter: "tf.lite.TFLiteConverter",
        network: "Network",
        stderr: TextIO,
    ) -> bytes:
        """Returns the file's content; stderr takes what is to be seen."""
        return converter.convert()

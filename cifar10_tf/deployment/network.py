"""The network of a run, as the formats take it."""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from cifar10_tf.deployment.metadata import Metadata
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory

IMAGE = tf.TensorSpec((None, 32, 32, 3), tf.uint8, name="image")


@dataclasses.dataclass(frozen=True)
class Network:
    """A trained network from uint8 images to probabilities.

    Attributes:
        model: computes as the run was trained.
        in_float32: computes the same wherever there is no mixed precision.
        to_be_quantized: as `in_float32`, but for the rounding of inputs, in
            which integers of 8 bits would lose them.
        metadata: of `model`.
        calibration_images: uint8 [num_images, 32, 32, 3], of the training.
    """

    model: keras.Model
    in_float32: keras.Model
    to_be_quantized: keras.Model
    metadata: Metadata
    calibration_images: np.ndarray

    @functools.cached_property
    def frozen(self) -> tf.types.experimental.PolymorphicFunction:
        """`model` as one function, its weights constants in it."""
        return _freeze(self.model)

    @functools.cached_property
    def frozen_in_float32(self) -> tf.types.experimental.PolymorphicFunction:
        """`in_float32`, likewise."""
        return _freeze(self.in_float32)

    @functools.cached_property
    def frozen_to_be_quantized(
        self,
    ) -> tf.types.experimental.PolymorphicFunction:
        """`to_be_quantized`, likewise."""
        return _freeze(self.to_be_quantized)


def read(run: RunDirectory, calibration_images: np.ndarray) -> Network:
    """Returns the network of a complete run.

    Raises:
        UserError: the run is not complete, or its model is damaged.
    """
    summary = run.read_summary()
    trained = saved_model.load_in_its_precision(run)
    with saved_model.keeping_policy():
        keras.config.set_dtype_policy("float32")
        portable = saved_model.load(run, len(run.class_names()))
    _round_weights(trained, portable)
    return Network(
        taking_raw_images(trained),
        taking_raw_images(_rounding_inputs(trained, portable)),
        taking_raw_images(portable),
        Metadata(
            class_names=run.class_names(),
            model=run.read_config().model,
            precision=summary["precision"],
            dataset=summary["dataset"],
            test_accuracy=summary["test_accuracy"],
            test_accuracy_ci95=tuple(summary["test_accuracy_ci95"]),
        ),
        calibration_images,
    )


def taking_raw_images(model: keras.Model) -> keras.Model:
    """Returns a model that takes uint8 images and computes what `model` does.

    Args:
        model: images in [0, 1] -> probabilities; its weights are shared.
    """
    images = keras.Input((32, 32, 3), dtype="uint8", name="image")
    scale = keras.layers.Rescaling(1 / 255, dtype="float32", name="scale")
    return keras.Model(images, model(scale(images)), name=model.name)


def _round_weights(trained: keras.Model, portable: keras.Model) -> None:
    """Rounds weights as mixed precision rounds them each time it computes.

    That halves what the float32 network differs by: 0.0070 instead of 0.0129
    at most, over 1,000 test images of speedrun_s in bfloat16.
    """
    for of_trained, layer in zip(trained.layers, portable.layers, strict=True):
        dtype = of_trained.compute_dtype
        for weight in layer.weights if dtype != "float32" else ():
            # Keras keeps running statistics as they are.
            if not weight.name.startswith("moving_"):
                weight.assign(keras.ops.cast(weight, dtype))


# Bits of a float32's significand that a shorter one lacks.
_BITS_LESS = {"bfloat16": 16, "float16": 13}


class _Round(keras.layers.Layer):
    """Rounds to the significand of a shorter float, in float32.

    By Veltkamp's splitting: every runtime has these three operations, and few
    have a cast to bfloat16.
    """

    def __init__(self, dtype: str):
        super().__init__()
        self._factor = 2.0 ** _BITS_LESS[dtype] + 1

    def call(self, x):
        high = self._factor * x
        return high - (high - x)


def _rounding_inputs(
    trained: keras.Model, portable: keras.Model
) -> keras.Model:
    """Rounds where mixed precision goes from float32 to 16 bits.

    The whitening of a speedrun makes much of what is lost there. With it
    speedrun_m in bfloat16 differs by at most 0.007, without by 0.020.
    """
    dtypes = {}
    for of_trained, layer in zip(trained.layers, portable.layers, strict=True):
        inputs = keras.tree.flatten(of_trained.input)
        is_short = of_trained.compute_dtype in _BITS_LESS
        if is_short and any(x.dtype == "float32" for x in inputs):
            dtypes[layer] = of_trained.compute_dtype

    def call(layer, *args, **kwargs):
        if layer in dtypes:
            args = keras.tree.map_structure(_Round(dtypes[layer]), args)
        return layer(*args, **kwargs)

    return keras.models.clone_model(
        portable, clone_function=lambda layer: layer, call_function=call
    )


def _freeze(model: keras.Model) -> tf.types.experimental.PolymorphicFunction:
    variable = tf.function(
        lambda image: model(image, training=False), input_signature=[IMAGE]
    )
    # Casts of weights, and batch normalisation, are then computed once.
    constant = convert_to_constants.convert_variables_to_constants_v2(
        variable.get_concrete_function()
    )

    @tf.function(input_signature=[IMAGE])
    def frozen(image):
        return {"probabilities": constant(image)[0]}

    return frozen

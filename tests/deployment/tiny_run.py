"""A complete run of a tiny network, which nobody has trained."""

import os
from unittest import mock

import keras
import numpy as np

from cifar10_tf.datasets.loading import Examples, ImageDataset
from cifar10_tf.models import cnn
from cifar10_tf.models.layers import blocks
from cifar10_tf.models.layers.small_map_convolution import SmallMapConv2D
from cifar10_tf.models.layers.whitening import whiten
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from tests import fakes

CLASS_NAMES = ("cat", "Hund <1>", "\u9ce5")
CONFIG = make_config(dataset="synthetic10", validation_fraction=0.0)


def build(*, num_classes: int) -> keras.Model:
    """Returns a network with the layers of all families."""
    inputs = blocks.image()
    x = whiten(blocks.normalize(inputs), 8, 2, 2)
    x = blocks.norm_relu(blocks.depthwise_conv(x, strides=2))
    x = SmallMapConv2D(8, 3, padding="same")(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.EinsumDense(
        "byxc,cd->byxd", output_shape=(4, 4, 8), bias_axes="yxd"
    )(x)
    x = keras.layers.Reshape((16, 8))(x)
    x = keras.layers.LayerNormalization()(x)
    x = keras.layers.add([x, keras.layers.MultiHeadAttention(2, 4)(x, x)])
    x = keras.layers.Dense(8, activation="gelu")(x)
    x = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, blocks.head(x, num_classes))


def known():
    """Has the package take the network for `dropout` meanwhile."""
    return mock.patch.object(cnn, "build_dropout", build)


def write(path: str | os.PathLike, precision: str) -> RunDirectory:
    """Writes a run, whose network tells images apart by chance."""
    run = RunDirectory(path)
    run.open(CONFIG)
    with known(), saved_model.keeping_policy():
        keras.config.set_dtype_policy(precision)
        keras.utils.set_random_seed(3)
        model = build(num_classes=len(CLASS_NAMES))
        _tell_apart(model, dataset().test.images)
        saved_model.save(model, run)
    run.metrics.touch()
    accuracy = dict.fromkeys(CLASS_NAMES, 0.5)
    run.complete(
        fakes.SUMMARY
        | {
            "precision": precision,
            "class_names": list(CLASS_NAMES),
            "per_class_accuracy": accuracy,
        }
    )
    return run


def _tell_apart(model: keras.Model, images: np.ndarray) -> None:
    """Has the head give images different classes, as a trained one does."""
    logits = np.log(model.predict(images / np.float32(255), verbose=0))
    logits -= logits.mean(axis=1, keepdims=True)
    kernel, bias = model.layers[-1].weights
    kernel.assign(kernel / logits.std(axis=0))
    bias.assign(-logits.mean(axis=0) / logits.std(axis=0))


def dataset(num_images: int = 40) -> ImageDataset:
    """Returns noise, blurred so that images differ, with labels by turns."""
    images, labels = fakes.random_arrays(num_images, len(CLASS_NAMES))
    colours = np.random.RandomState(1).randint(0, 256, (num_images, 1, 1, 3))
    images = (images // 2 + colours // 2).astype(np.uint8)
    examples = Examples(images, labels)
    return ImageDataset("nowhere", CLASS_NAMES, examples, examples)

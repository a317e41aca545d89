"""The original VGG-like network, without and with dropout."""

import keras
from keras import layers

from cifar10_tf.models.layers import blocks


def build_baseline(*, num_classes: int = 10) -> keras.Model:
    """Three blocks of two 3x3 convolutions and a hidden layer of 512.

    669,354 parameters for 10 classes; it overfits CIFAR-10 on purpose.
    """
    return _build("baseline", num_classes, rate=0, head_rate=0)


def build_dropout(
    *, num_classes: int = 10, rate: float = 0.25, head_rate: float = 0.5
) -> keras.Model:
    """The baseline with dropout after each block and after the hidden layer."""
    return _build("dropout", num_classes, rate, head_rate)


def _build(
    name: str, num_classes: int, rate: float, head_rate: float
) -> keras.Model:
    inputs = blocks.image()
    x = inputs
    for filters in (32, 64, 64):
        # Dropout first: Keras draws a layer's seed when it is constructed, so
        # another order would change the initial weights of every seed.
        x = _dropout(rate)(_conv_block(x, filters))
    x = layers.Dense(512, activation="relu")(layers.Flatten()(x))
    x = _dropout(head_rate)(x)
    return keras.Model(inputs, blocks.head(x, num_classes), name=name)


def _dropout(rate: float):
    return layers.Dropout(rate) if rate else lambda x: x


def _conv_block(x, filters: int):
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    # What ReLU before the pooling would give, to the bit, for a quarter of the
    # work.
    return layers.ReLU()(layers.MaxPooling2D(2)(x))

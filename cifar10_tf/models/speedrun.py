"""Small networks that learn fast: the speedrun models.

What they have from Jordan, "94% on CIFAR-10 in 3.29 seconds" (arXiv
2404.00498), and what is different here, and why, is in BUILD_NOTES.md.
"""

import keras
import numpy as np
from keras import layers

from cifar10_tf.models.layers import blocks, whitening
from cifar10_tf.models.layers.conv_before_pooling import ConvBeforePooling
from cifar10_tf.models.layers.small_map_convolution import SmallMapConv2D

_NUM_WHITENING_FILTERS = 24


def build_speedrun_s(*, num_classes: int = 10) -> keras.Model:
    """After 2 epochs as accurate as the notebook's after 31; 0.1 M parameters.

    It halves the resolution at once: on a CPU full-size maps would take most of
    the time. Widths that are no multiples of 16 are slower there: 40 than 48.
    """
    return _build(
        "speedrun_s",
        num_classes,
        kernel_size=3,
        strides=2,
        widths=(32, 96),
    )


def build_speedrun_m(*, num_classes: int = 10) -> keras.Model:
    """Jordan's network for 94 %, with ReLU; 2.0 M parameters."""
    return _build("speedrun_m", num_classes, widths=(64, 256, 256))


def build_speedrun_l(*, num_classes: int = 10) -> keras.Model:
    """Jordan's network for 96 %, with ReLU; 9.9 M parameters.

    A third convolution a group, and a shortcut past the second and third.
    """
    return _build("speedrun_l", num_classes, widths=(128, 384, 512), depth=3)


def _build(
    name: str,
    num_classes: int,
    *,
    widths: tuple[int, ...],
    depth: int = 2,
    kernel_size: int = 2,
    strides: int = 1,
) -> keras.Model:
    inputs = blocks.image()
    x = blocks.normalize(inputs)
    x = whitening.whiten(x, _NUM_WHITENING_FILTERS, kernel_size, strides)
    x = layers.ReLU()(x)
    for width in widths:
        x = layers.MaxPooling2D(2)(_conv(x, width, ConvBeforePooling))
        x = start = layers.ReLU()(_norm(x))
        for _ in range(depth - 2):
            x = layers.ReLU()(_norm(_conv(x, width)))
        x = _norm(_conv(x, width))
        if depth > 2:
            x = layers.add([start, x])
        x = layers.ReLU()(x)
    x = layers.GlobalMaxPooling2D()(x)
    outputs = blocks.head(x, num_classes, kernel_initializer="zeros")
    return keras.Model(inputs, outputs, name=name)


def _conv(x, filters: int, layer: type = SmallMapConv2D):
    return layer(
        filters,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=PartlyIdentity(),
    )(x)


def _norm(x):
    return blocks.norm(x, scale=False)


@keras.saving.register_keras_serializable(package="cifar10_tf")
class PartlyIdentity(keras.initializers.VarianceScaling):
    """Kernel of a convolution whose first filters copy a channel each.

    The others are uniform within 1 / sqrt(fan-in). Jordan, arXiv 2404.00498.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1 / 3, "fan_in", "uniform", seed)

    def __call__(self, shape, dtype=None):
        height, width, channels, filters = shape
        kernel = super().__call__(shape, dtype)
        num_copies = min(channels, filters)
        identity = np.zeros((height, width, channels, num_copies))
        identity[height // 2, width // 2] = np.eye(channels, num_copies)
        return keras.ops.concatenate(
            [
                keras.ops.cast(identity, kernel.dtype),
                kernel[..., num_copies:],
            ],
            axis=-1,
        )

    def get_config(self) -> dict:
        return {"seed": super().get_config()["seed"]}

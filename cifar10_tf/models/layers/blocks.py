"""Blocks that the networks share: functions from tensor to tensor."""

import math

import keras
from keras import layers

from cifar10_tf.models.layers.fused_batch_normalization import (
    FusedBatchNormalization,
)
from cifar10_tf.models.layers.row_rescaling import RowRescaling

# Of the training split's pixels in [0, 1], by channel.
_MEAN = (0.4914, 0.4822, 0.4465)
_STD = (0.2470, 0.2435, 0.2616)


def image() -> keras.KerasTensor:
    """The input of every network: pixels in [0, 1], [batch, 32, 32, 3]."""
    return keras.Input((32, 32, 3), name="image")


def normalize(x):
    """Shifts and scales pixels in [0, 1] to mean 0 and variance 1 on CIFAR-10.

    It has no parameters. In float32 under every policy: bfloat16 would round
    the pixels twice.
    """
    return RowRescaling(
        scale=[1 / std for std in _STD],
        offset=[-mean / std for mean, std in zip(_MEAN, _STD, strict=True)],
        dtype="float32",
        name="normalize",
    )(x)


def conv(
    x, filters: int, kernel_size: int = 3, *, strides: int = 1, use_bias=False
):
    """A convolution centred on every `strides`-th position of its input.

    Initialised as by He et al. (arXiv 1502.01852), from the fan-in.
    """
    x, padding = _with_padding(x, kernel_size, strides)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=use_bias,
        kernel_initializer="he_normal",
    )(x)


def depthwise_conv(x, *, strides: int = 1):
    """A 3x3 convolution of each channel by itself, otherwise like `conv`."""
    x, padding = _with_padding(x, 3, strides)
    return layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding=padding,
        use_bias=False,
        # "he_normal" would take all channels for the fan-in, which is nine.
        depthwise_initializer=keras.initializers.RandomNormal(
            stddev=math.sqrt(2 / 9)
        ),
    )(x)


def _with_padding(x, kernel_size: int, strides: int):
    """Returns the input and the padding that Keras's layer is to add."""
    if strides == 1 or kernel_size == 1:
        return x, "same"
    # With strides, "same" pads an even size at its end only, and so centres
    # the kernel one pixel further than the published networks do, and than the
    # shortcut beside it.
    return layers.ZeroPadding2D(kernel_size // 2)(x), "valid"


def norm(x, *, scale: bool = True):
    """Batch normalisation with the constants of the published networks."""
    # Keras's own are 0.99, too slow for short trainings, and 1e-3.
    return FusedBatchNormalization(momentum=0.9, epsilon=1e-5, scale=scale)(x)


def norm_relu(x):
    """Batch normalisation and ReLU."""
    return layers.ReLU()(norm(x))


def head(x, num_classes: int, kernel_initializer="glorot_uniform"):
    """Returns class probabilities: float32 under every dtype policy."""
    # float16 underflows in them.
    return layers.Dense(
        num_classes,
        activation="softmax",
        kernel_initializer=kernel_initializer,
        dtype="float32",
        name="probabilities",
    )(x)


def pooled_head(x, num_classes: int):
    """The head on the average over all positions of x."""
    return head(layers.GlobalAveragePooling2D()(x), num_classes)

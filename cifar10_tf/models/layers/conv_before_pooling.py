"""Convolutions of which a pooling keeps but a part."""

import keras
import tensorflow as tf

from cifar10_tf.models.layers import winograd
from cifar10_tf.models.layers.small_map_convolution import (
    SmallMapConv2D,
    is_slow_in_onednn,
    kernel_gradient,
)

# With fewer, what leads to tiles and back takes more than it saves.
_MIN_CHANNELS = 128


@keras.saving.register_keras_serializable(package="cifar10_tf")
class ConvBeforePooling(SmallMapConv2D):
    """Keras's 3x3 convolution, without what a 2x2 pooling would drop.

    Of an odd height or width the last outputs are in no window of a pooling
    without padding, and are not computed. For no bias, no strides, padding
    "same"; `in_plain_keras` puts Keras's layer in its place, of which the
    pooling drops them.
    """

    def compute_output_shape(self, input_shape):
        batch, height, width, filters = super().compute_output_shape(
            input_shape
        )
        return batch, _even(height), _even(width), filters

    def convolution_op(self, inputs, kernel):
        height, width = inputs.shape[1:3]
        if not height % 2 or not width % 2:
            outputs = super().convolution_op(inputs, kernel)
            return outputs[:, : _even(height), : _even(width)]
        kernel = tf.convert_to_tensor(kernel)
        is_slow = is_slow_in_onednn(inputs, self.filters)
        if is_slow and min(kernel.shape[2:]) >= _MIN_CHANNELS:
            return winograd.convolve(inputs, kernel)
        return _conv(inputs, kernel)


def _even(size: int) -> int:
    return size - size % 2


@tf.custom_gradient
def _conv(x, kernel):
    """A convolution, padded "same", without its last row and column."""
    padded = tf.pad(x, [[0, 0], [1, 0], [1, 0], [0, 0]])
    strides = [1, 1, 1, 1]

    def gradient(upstream):
        # By the padding at its end the input's gradient needs no slice of a
        # larger one.
        dx = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x),
            filter=kernel,
            out_backprop=tf.pad(upstream, [[0, 0], [0, 1], [0, 1], [0, 0]]),
            strides=strides,
            padding="SAME",
        )
        if is_slow_in_onednn(x, kernel.shape[-1]):
            return dx, kernel_gradient(padded, upstream)
        dk = tf.raw_ops.Conv2DBackpropFilter(
            input=padded,
            filter_sizes=kernel.shape,
            out_backprop=upstream,
            strides=strides,
            padding="VALID",
        )
        return dx, dk

    return tf.nn.conv2d(padded, kernel, 1, "VALID"), gradient

"""MobileNetV2.

Sandler, Howard, Zhu, Zhmoginov, Chen: Inverted residuals and linear
bottlenecks (arXiv 1801.04381).
"""

import keras
from keras import layers

from cifar10_tf.models.layers import blocks

# Expansion, width, number of blocks and strides of the first of them.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),  # strides 2 on ImageNet
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def build_mobilenet_v2(*, num_classes: int = 10) -> keras.Model:
    """17 inverted residual blocks, 2.3 M parameters.

    The adaptation to 32x32 images of github.com/kuangliu/pytorch-cifar: it
    halves the resolution three times instead of five, has ReLU for ReLU6, and
    a projection as the shortcut where the width changes.
    """
    inputs = blocks.image()
    x = blocks.norm_relu(blocks.conv(blocks.normalize(inputs), 32))
    for expansion, width, depth, strides in _STAGES:
        x = _block(x, expansion, width, strides)
        for _ in range(depth - 1):
            x = _block(x, expansion, width, strides=1)
    x = blocks.norm_relu(blocks.conv(x, 1280, 1))
    outputs = blocks.pooled_head(x, num_classes)
    return keras.Model(inputs, outputs, name="mobilenet_v2")


def _block(x, expansion: int, width: int, strides: int):
    residual = blocks.norm_relu(blocks.conv(x, expansion * x.shape[-1], 1))
    residual = blocks.norm_relu(
        blocks.depthwise_conv(residual, strides=strides)
    )
    residual = blocks.norm(blocks.conv(residual, width, 1))
    if strides > 1:
        return residual
    if x.shape[-1] != width:
        x = blocks.norm(blocks.conv(x, width, 1))
    return layers.add([x, residual])

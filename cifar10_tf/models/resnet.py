"""Residual networks: He et al.'s for CIFAR-10, ResNet-18, and wide ones.

He, Zhang, Ren, Sun: Deep residual learning (arXiv 1512.03385). Zagoruyko,
Komodakis: Wide residual networks (arXiv 1605.07146).
"""

import keras
from keras import layers, ops

from cifar10_tf.models.layers import blocks


def build_resnet20(*, num_classes: int = 10) -> keras.Model:
    """Nine blocks, 0.27 M parameters, shortcuts without any (option A)."""
    return _resnet("resnet20", num_classes, (16, 32, 64), 3, _padded)


def build_resnet56(*, num_classes: int = 10) -> keras.Model:
    """27 blocks, 0.85 M parameters, shortcuts without any (option A)."""
    return _resnet("resnet56", num_classes, (16, 32, 64), 9, _padded)


def build_resnet18(*, num_classes: int = 10) -> keras.Model:
    """ImageNet's ResNet-18 with a 3x3 stem without pooling, 11.2 M parameters.

    The adaptation to 32x32 images that github.com/kuangliu/pytorch-cifar made
    the usual one.
    """
    widths = (64, 128, 256, 512)
    return _resnet("resnet18", num_classes, widths, 2, _projected)


def build_wrn16_4(*, num_classes: int = 10) -> keras.Model:
    """16 layers, four times as wide as a ResNet, 2.7 M parameters."""
    return _wide_resnet("wrn16_4", num_classes, depth=16, widening=4)


def build_wrn28_10(*, num_classes: int = 10) -> keras.Model:
    """28 layers, ten times as wide as a ResNet, 36.5 M parameters."""
    return _wide_resnet("wrn28_10", num_classes, depth=28, widening=10)


def _resnet(
    name: str, num_classes: int, widths, blocks_per_stage: int, shortcut
) -> keras.Model:
    inputs = blocks.image()
    x = blocks.normalize(inputs)
    x = blocks.norm_relu(blocks.conv(x, widths[0]))
    for width, strides in _stages(widths, blocks_per_stage):
        residual = blocks.conv(x, width, strides=strides)
        residual = blocks.conv(blocks.norm_relu(residual), width)
        x = layers.add([shortcut(x, width, strides), blocks.norm(residual)])
        x = layers.ReLU()(x)
    return keras.Model(inputs, blocks.pooled_head(x, num_classes), name=name)


def _wide_resnet(
    name: str, num_classes: int, depth: int, widening: int
) -> keras.Model:
    widths = [widening * width for width in (16, 32, 64)]
    inputs = blocks.image()
    x = blocks.conv(blocks.normalize(inputs), 16)
    for width, strides in _stages(widths, blocks_per_stage=(depth - 4) // 6):
        # Where the shape changes, the shortcut too starts after the activation.
        active = blocks.norm_relu(x)
        if width != x.shape[-1]:
            x = blocks.conv(active, width, 1, strides=strides)
        residual = blocks.conv(active, width, strides=strides)
        residual = blocks.conv(blocks.norm_relu(residual), width)
        x = layers.add([x, residual])
    x = blocks.norm_relu(x)
    return keras.Model(inputs, blocks.pooled_head(x, num_classes), name=name)


def _stages(widths, blocks_per_stage: int) -> list[tuple[int, int]]:
    """Returns (width, strides) of each block; later stages start by halving."""
    return [
        (width, 2 if stage > 0 and block == 0 else 1)
        for stage, width in enumerate(widths)
        for block in range(blocks_per_stage)
    ]


def _padded(x, width: int, strides: int):
    """Option A: every `strides`-th position, and zeros for the new channels."""
    if x.shape[-1] == width:
        return x
    new_channels = (0, width - x.shape[-1])
    return ops.pad(
        x[:, ::strides, ::strides], ((0, 0), (0, 0), (0, 0), new_channels)
    )


def _projected(x, width: int, strides: int):
    """Option B: a 1x1 convolution where the shape changes."""
    if x.shape[-1] == width:
        return x
    return blocks.norm(blocks.conv(x, width, 1, strides=strides))

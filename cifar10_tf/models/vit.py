"""A Vision Transformer for small images.

Dosovitskiy et al.: An image is worth 16x16 words (arXiv 2010.11929), in the
size DeiT-Ti of Touvron et al. (arXiv 2012.12877).
"""

import keras
from keras import layers

from cifar10_tf.models.layers import blocks

_PATCH = 4
_WIDTH = 192
_DEPTH = 12
_NUM_HEADS = 3


def build_vit_tiny(*, num_classes: int = 10) -> keras.Model:
    """12 blocks of width 192 with 3 heads on 8x8 patches, 5.4 M parameters.

    Patches have 4x4 pixels; the head sees the average of all positions instead
    of a class token (Beyer et al., arXiv 2205.01580).
    """
    inputs = blocks.image()
    x = _embed_patches(blocks.normalize(inputs))
    for _ in range(_DEPTH):
        y = _norm(x)
        attention = layers.MultiHeadAttention(
            _NUM_HEADS, _WIDTH // _NUM_HEADS, kernel_initializer=_normal()
        )
        x = layers.add([x, attention(y, y)])
        y = _dense(4 * _WIDTH, activation="gelu")(_norm(x))
        x = layers.add([x, _dense(_WIDTH)(y)])
    x = layers.GlobalAveragePooling1D()(_norm(x))
    outputs = blocks.head(x, num_classes)
    return keras.Model(inputs, outputs, name="vit_tiny")


def _embed_patches(x):
    """Images to [batch, positions, width]: patches projected, places known."""
    side = x.shape[1] // _PATCH
    x = layers.Reshape((side, _PATCH, side, _PATCH, 3))(x)
    # One projection for all patches, but a bias for each of them, which is the
    # position embedding: no other layer of Keras's has weights to add.
    x = layers.EinsumDense(
        "byixjc,ijcd->byxd",
        output_shape=(side, side, _WIDTH),
        bias_axes="yxd",
        kernel_initializer=_normal(),
        bias_initializer=_normal(),
    )(x)
    return layers.Reshape((side * side, _WIDTH))(x)


def _norm(x):
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _dense(units: int, **kwargs):
    return layers.Dense(units, kernel_initializer=_normal(), **kwargs)


def _normal():
    # DeiT's. A new one each time: an initializer that is used again gives
    # the same numbers again.
    return keras.initializers.RandomNormal(stddev=0.02)

"""Models without anything of this package's."""

import keras
from keras import layers

from cifar10_tf.models.layers.conv_before_pooling import ConvBeforePooling
from cifar10_tf.models.layers.fused_batch_normalization import (
    FusedBatchNormalization,
)
from cifar10_tf.models.layers.row_rescaling import RowRescaling
from cifar10_tf.models.layers.small_map_convolution import SmallMapConv2D

_PLAIN = {
    ConvBeforePooling: layers.Conv2D,
    FusedBatchNormalization: layers.BatchNormalization,
    RowRescaling: layers.Rescaling,
    SmallMapConv2D: layers.Conv2D,
}


def in_plain_keras(model: keras.Model) -> keras.Model:
    """Returns a copy that computes the same with Keras's own layers only.

    What it saves loads without this package. Initialisers, of no more use, are
    not in it.
    """
    copy = keras.models.clone_model(model, clone_function=_in_plain_keras)
    copy.set_weights(model.get_weights())
    return copy


def _in_plain_keras(layer):
    config = {
        name: value
        for name, value in layer.get_config().items()
        if not name.endswith("_initializer")
    }
    kind = type(layer)
    return _PLAIN.get(kind, kind).from_config(config)

"""A rescaling of channels that is as fast as one by a number."""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="cifar10_tf")
class RowRescaling(keras.layers.Rescaling):
    """Keras's rescaling, by a number for each channel, of whole rows.

    On CPUs TensorFlow takes twice as long to apply three values to each pixel
    as to apply a row's to each row: a fourteenth of `speedrun_s`'s step. For
    [batch, height, width, channels]; `in_plain_keras` puts Keras's in its
    place.
    """

    def call(self, inputs):
        row = inputs.shape[2:]
        scale, offset = (
            keras.ops.cast(np.broadcast_to(values, row), self.compute_dtype)
            for values in (self.scale, self.offset)
        )
        return keras.ops.cast(inputs, self.compute_dtype) * scale + offset

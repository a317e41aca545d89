"""Batch normalisation as fast as TensorFlow has it."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cifar10_tf")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation of the last axis, in one fused operation.

    For [batch, height, width, channels]; `axis`, `renorm` and `synchronized`
    are as by default. Keras's own goes through float32 in several passes: on
    two cores, forward and backward, 129 ms against 13 ms for bfloat16
    [512, 15, 15, 256]. The weights are the same; the moving variance is that of
    the sample, n / (n - 1) times Keras's, as in PyTorch.
    `in_plain_keras` puts Keras's own in its place.
    """

    def call(self, inputs, training=None):
        is_training = bool(training and self.trainable)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            self._float32("gamma", 1.0),
            self._float32("beta", 0.0),
            mean=self._float32("moving_mean"),
            variance=self._float32("moving_variance"),
            epsilon=self.epsilon,
            is_training=is_training,
            exponential_avg_factor=1 - self.momentum,
        )
        if is_training:
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
        return outputs

    def _float32(self, name: str, default: float = 0.0):
        variable = getattr(self, name)
        if variable is None:  # without scale or centre
            return tf.fill(self.moving_mean.shape, default)
        return tf.cast(variable, tf.float32)

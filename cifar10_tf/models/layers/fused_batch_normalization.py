"""Batch normalisation as fast as TensorFlow has it."""

import keras
import tensorflow as tf

from cifar10_tf.models.layers.device_sums import sum_over_devices


@keras.saving.register_keras_serializable(package="cifar10_tf")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation of the last axis, in one fused operation.

    For [batch, height, width, channels]; `axis` and `renorm` are as by default.
    Keras's own goes through float32 in several passes: on two cores, forward
    and backward, 129 ms against 13 ms for bfloat16 [512, 15, 15, 256]. The
    weights are the same; the moving variance is that of the sample, n / (n - 1)
    times Keras's, as in PyTorch. `synchronized` takes both over the parts of a
    batch on all devices, however large each is.
    `in_plain_keras` puts Keras's own in its place.
    """

    def call(self, inputs, training=None):
        is_training = bool(training and self.trainable)
        if is_training and self.synchronized:
            return self._normalize_together(inputs)
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

    def _normalize_together(self, inputs):
        x = tf.cast(inputs, tf.float32)
        total, num = sum_over_devices(
            [tf.reduce_sum(x, [0, 1, 2]), tf.cast(tf.size(x[..., 0]), x.dtype)]
        )
        mean = total / num
        squares = sum_over_devices(tf.reduce_sum((x - mean) ** 2, [0, 1, 2]))
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, squares / (num - 1)),
        ):
            moving.assign(self.momentum * moving + (1 - self.momentum) * value)
        outputs = tf.nn.batch_normalization(
            x,
            mean,
            squares / num,
            self._float32("beta", 0.0),
            self._float32("gamma", 1.0),
            self.epsilon,
        )
        return tf.cast(outputs, inputs.dtype)

    def _float32(self, name: str, default: float = 0.0):
        variable = getattr(self, name)
        if variable is None:  # without scale or centre
            return tf.fill(self.moving_mean.shape, default)
        return tf.cast(variable, tf.float32)

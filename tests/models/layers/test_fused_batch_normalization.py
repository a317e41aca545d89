import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.layers.fused_batch_normalization import (
    FusedBatchNormalization,
)

_SHAPE = (6, 5, 4, 3)
_NUM_VALUES = 6 * 5 * 4  # of each channel
_TOLERANCES = {"float32": 1e-5, "mixed_float16": 5e-3, "mixed_bfloat16": 4e-2}


def _pair(**kwargs):
    """Returns ours and Keras's own with the same weights, of no symmetry."""
    rng = np.random.RandomState(0)
    pair = [
        layer(momentum=0.7, epsilon=1e-3, **kwargs)
        for layer in (FusedBatchNormalization, keras.layers.BatchNormalization)
    ]
    for layer in pair:
        layer.build(_SHAPE)
    weights = [rng.uniform(0.5, 2, 3) for _ in pair[0].weights]
    for layer in pair:
        layer.set_weights(weights)
    return pair


def _inputs(dtype="float32"):
    rng = np.random.RandomState(1)
    return tf.constant(rng.normal([1, -2, 3], [1, 2, 3], _SHAPE), dtype)


class FusedBatchNormalizationTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(keras.config.set_dtype_policy, "float32")

    @parameterized.product(
        policy=list(_TOLERANCES), scale=[True, False], center=[True, False]
    )
    def test_trains_as_keras_does(self, policy, scale, center):
        keras.config.set_dtype_policy(policy)
        ours, kerass = _pair(scale=scale, center=center)
        x = _inputs(ours.compute_dtype)
        before = kerass.moving_variance.numpy()
        direction = np.random.RandomState(2).normal(size=_SHAPE)
        results = []
        for layer in (ours, kerass):
            self.assertLen(layer.trainable_weights, scale + center)
            weights = [w.value for w in layer.trainable_weights]
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
                self.assertEqual(y.dtype, layer.compute_dtype)
                loss = tf.reduce_sum(tf.cast(y, "float32") * direction)
            results.append([y, *tape.gradient(loss, [x, *weights])])
        for one, other in zip(*results, strict=True):
            one, other = (tf.cast(v, "float32").numpy() for v in (one, other))
            np.testing.assert_allclose(
                one, other, atol=_TOLERANCES[policy] * np.abs(other).max()
            )
        np.testing.assert_allclose(
            ours.moving_mean, kerass.moving_mean, rtol=1e-3, atol=1e-3
        )
        change = kerass.moving_variance - 0.7 * before
        np.testing.assert_allclose(
            ours.moving_variance - 0.7 * before,
            change * _NUM_VALUES / (_NUM_VALUES - 1),
            rtol=1e-3,
        )

    @parameterized.product(
        policy=list(_TOLERANCES),
        training=[True, False],
        trainable=[True, False],
    )
    def test_infers_as_keras_does(self, policy, training, trainable):
        if training and trainable:
            return
        keras.config.set_dtype_policy(policy)
        pair = _pair(trainable=trainable)
        x = _inputs(pair[0].compute_dtype)
        before = pair[0].get_weights()
        results = [
            tf.cast(layer(x, training=training), "float32") for layer in pair
        ]
        np.testing.assert_allclose(
            *results, atol=_TOLERANCES[policy] * np.abs(results[1]).max()
        )
        for one, other in zip(before, pair[0].get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    @parameterized.parameters((True, True), (False, True), (False, False))
    def test_the_weights_are_kerass(self, scale, center):
        ours, kerass = _pair(scale=scale, center=center)
        self.assertEqual(
            [(w.name, w.shape, w.trainable) for w in ours.weights],
            [(w.name, w.shape, w.trainable) for w in kerass.weights],
        )

    def test_config_round_trip(self):
        ours, _ = _pair(scale=False, name="norm")
        config = keras.saving.serialize_keras_object(ours)
        again = keras.saving.deserialize_keras_object(config)
        self.assertIsInstance(again, FusedBatchNormalization)
        self.assertEqual(again.get_config(), ours.get_config())


if __name__ == "__main__":
    absltest.main()

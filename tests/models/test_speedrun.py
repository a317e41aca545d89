from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models import speedrun
from cifar10_tf.models.speedrun import PartlyIdentity
from cifar10_tf.optimizers.by_name import make_optimizer
from tests import fakes


class PartlyIdentityTest(parameterized.TestCase):
    @parameterized.parameters((3, 8), (8, 8), (8, 3))
    def test_the_first_filters_copy_a_channel_each(self, channels, filters):
        layer = keras.layers.Conv2D(
            filters, 3, padding="same", kernel_initializer=PartlyIdentity()
        )
        x = np.random.RandomState(0).normal(size=(2, 5, 5, channels))
        y = layer(x)
        num_copies = min(channels, filters)
        np.testing.assert_allclose(
            y[..., :num_copies], x[..., :num_copies], atol=1e-5
        )

    def test_the_others_are_uniform(self):
        kernel = np.array(PartlyIdentity()((3, 3, 16, 64)))[..., 16:]
        limit = 1 / np.sqrt(3 * 3 * 16)
        self.assertBetween(kernel.max(), 0.99 * limit, limit)
        self.assertBetween(kernel.min(), -limit, -0.99 * limit)
        self.assertAlmostEqual(kernel.var(), limit**2 / 3, delta=1e-4)

    def test_seeds(self):
        shape = (3, 3, 4, 8)
        one, again, other, *unseeded = (
            np.array(PartlyIdentity(seed)(shape))
            for seed in (1, 1, 2, None, None)
        )
        np.testing.assert_array_equal(one, again)
        self.assertFalse(np.array_equal(one, other))
        self.assertFalse(np.array_equal(*unseeded))

    def test_config_round_trip(self):
        initializer = PartlyIdentity(seed=5)
        config = keras.saving.serialize_keras_object(initializer)
        again = keras.saving.deserialize_keras_object(config)
        self.assertIsInstance(again, PartlyIdentity)
        self.assertEqual(again.get_config(), initializer.get_config())
        np.testing.assert_array_equal(
            again((3, 3, 2, 4)), initializer((3, 3, 2, 4))
        )


@pytest.mark.slow
class OnGpuTest(parameterized.TestCase):
    """What Keras makes of a step where there is a GPU: compiled by XLA."""

    @parameterized.parameters("float32", "mixed_float16")
    def test_learns_the_same(self, policy):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        self.enterContext(
            mock.patch.object(
                tf.config,
                "get_visible_devices",
                lambda *_: [mock.Mock(device_type="GPU")],
            )
        )
        images, labels = fakes.random_arrays(16)
        x, y = np.float32(images / 255), keras.utils.to_categorical(labels, 10)
        results = []
        for jit_compile in (False, True):
            keras.utils.set_random_seed(1)
            model = speedrun._build("small", 10, widths=(8,))
            optimizer = make_optimizer(
                "muon", model.trainable_variables, learning_rate=0.1
            )
            model.compile(
                optimizer, "categorical_crossentropy", jit_compile=jit_compile
            )
            for _ in range(3):
                model.train_on_batch(x, y)
            results.append(
                np.concatenate(list(map(np.ravel, model.get_weights())))
            )
        tolerance = 1e-4 if policy == "float32" else 0.03
        np.testing.assert_allclose(*results, atol=tolerance)


if __name__ == "__main__":
    absltest.main()

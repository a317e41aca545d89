from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.layers import conv_before_pooling, winograd
from cifar10_tf.models.layers.conv_before_pooling import ConvBeforePooling
from tests.models.layers.convolutions import TOLERANCES, results


class ConvBeforePoolingTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(keras.config.set_dtype_policy, "float32")

    @parameterized.product(
        policy=list(TOLERANCES),
        size=[(7, 7), (3, 5), (15, 9), (7, 4), (4, 7), (8, 8)],
        least=[1, 128],  # channels, for fewer products
    )
    def test_the_pooling_has_what_keras_gives_it(self, policy, size, least):
        self.enterContext(
            mock.patch.object(conv_before_pooling, "_MIN_CHANNELS", least)
        )
        keras.config.set_dtype_policy(policy)
        x = np.random.RandomState(0).normal(size=(4, *size, 5))
        ours, kerass = (
            results(
                layer(96, 3, padding="same", use_bias=False),
                x,
                # Averages, as the largest may be another one by rounding.
                then=keras.layers.AveragePooling2D(2),
            )
            for layer in (ConvBeforePooling, keras.layers.Conv2D)
        )
        for one, other in zip(ours, kerass, strict=True):
            np.testing.assert_allclose(
                one, other, atol=TOLERANCES[policy] * np.abs(other).max()
            )

    @parameterized.parameters(
        ((31, 7), (30, 6)), ((14, 15), (14, 14)), ((8, 8), (8, 8))
    )
    def test_computes_no_more(self, size, expected):
        layer = ConvBeforePooling(6, 3, padding="same", use_bias=False)
        for inputs in keras.Input((*size, 5)), np.zeros((2, *size, 5)):
            self.assertEqual(layer(inputs).shape[1:3], expected)

    @parameterized.parameters(
        ("mixed_bfloat16", 7, 128, [], 1),
        ("mixed_bfloat16", 7, 127, [], 0),
        ("mixed_bfloat16", 9, 128, [], 0),
        ("mixed_bfloat16", 7, 128, ["GPU"], 0),
        ("float32", 7, 128, [], 0),
        ("mixed_float16", 7, 128, [], 0),
    )
    def test_fewer_products_where_that_is_faster(
        self, policy, size, channels, gpus, num_calls
    ):
        keras.config.set_dtype_policy(policy)
        with (
            mock.patch.object(tf.config, "get_visible_devices", lambda _: gpus),
            mock.patch.object(
                winograd, "convolve", wraps=winograd.convolve
            ) as convolve,
        ):
            layer = ConvBeforePooling(128, 3, padding="same", use_bias=False)
            layer(np.zeros((1, size, size, channels)))
        self.assertEqual(convolve.call_count, num_calls)

    @parameterized.parameters(
        ("mixed_bfloat16", 7, 96, 1),
        ("mixed_bfloat16", 9, 96, 0),
        ("mixed_bfloat16", 7, 95, 0),
        ("float32", 7, 96, 0),
    )
    def test_its_gradient_is_a_product_where_that_is_faster(
        self, policy, size, filters, num_calls
    ):
        keras.config.set_dtype_policy(policy)
        with mock.patch.object(
            conv_before_pooling,
            "kernel_gradient",
            wraps=conv_before_pooling.kernel_gradient,
        ) as gradient:
            layer = ConvBeforePooling(
                filters, 3, padding="same", use_bias=False
            )
            results(layer, np.zeros((1, size, size, 5)))
        self.assertEqual(gradient.call_count, num_calls)


if __name__ == "__main__":
    absltest.main()

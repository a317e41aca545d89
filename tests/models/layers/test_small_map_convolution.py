from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.layers import small_map_convolution
from cifar10_tf.models.layers.small_map_convolution import SmallMapConv2D
from tests.models.layers.convolutions import TOLERANCES, results


def _results(layer_class, x, filters=96, padding="same", **kwargs):
    layer = layer_class(filters, 3, padding=padding, use_bias=False, **kwargs)
    return results(layer, x)


class SmallMapConv2DTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(keras.config.set_dtype_policy, "float32")

    @parameterized.product(
        policy=list(TOLERANCES), size=[(3, 3), (7, 5), (9, 4)]
    )
    def test_computes_what_keras_does(self, policy, size):
        keras.config.set_dtype_policy(policy)
        x = np.random.RandomState(0).normal(size=(4, *size, 5))
        ours, kerass = (
            _results(layer, x)
            for layer in (SmallMapConv2D, keras.layers.Conv2D)
        )
        for one, other in zip(ours, kerass, strict=True):
            np.testing.assert_allclose(
                one, other, atol=TOLERANCES[policy] * np.abs(other).max()
            )

    @parameterized.parameters(
        {"strides": 2},
        {"padding": "valid"},
        {"dilation_rate": 2},
        {"groups": 3},
    )
    def test_what_it_is_not_for_is_keras(self, **kwargs):
        keras.config.set_dtype_policy("mixed_bfloat16")
        x = np.random.RandomState(0).normal(size=(4, 7, 7, 3))
        ours, kerass = (
            _results(layer, x, **kwargs)
            for layer in (SmallMapConv2D, keras.layers.Conv2D)
        )
        for one, other in zip(ours, kerass, strict=True):
            np.testing.assert_array_equal(one, other)

    @parameterized.parameters(
        ("mixed_bfloat16", 8, 96, [], 1),
        ("mixed_bfloat16", 9, 96, [], 0),
        ("mixed_bfloat16", 8, 95, [], 0),
        ("mixed_bfloat16", 8, 96, ["GPU"], 0),
        ("float32", 8, 96, [], 0),
        ("mixed_float16", 8, 96, [], 0),
    )
    def test_its_gradient_is_for_where_it_is_faster(
        self, policy, size, filters, gpus, num_calls
    ):
        keras.config.set_dtype_policy(policy)
        with (
            mock.patch.object(tf.config, "get_visible_devices", lambda _: gpus),
            mock.patch.object(
                small_map_convolution,
                "kernel_gradient",
                wraps=small_map_convolution.kernel_gradient,
            ) as gradient,
        ):
            _results(SmallMapConv2D, np.zeros((4, size, size, 5)), filters)
        self.assertEqual(gradient.call_count, num_calls)


if __name__ == "__main__":
    absltest.main()

import keras
import numpy as np
from absl.testing import absltest

from cifar10_tf.deployment import network
from tests.deployment import tiny_run


class NetworkTest(absltest.TestCase):
    def test_float32_with_weights_as_mixed_precision_rounds_them(self):
        self.enter_context(tiny_run.known())
        path = self.create_tempdir().full_path
        run = tiny_run.write(path, "mixed_bfloat16")
        images = tiny_run.dataset().test.images
        of_run = network.read(run, images)
        self.assertEqual(of_run.metadata.precision, "mixed_bfloat16")
        self.assertEqual(keras.config.dtype_policy().name, "float32")

        trained, portable = (
            of_run.model.layers[-1],
            of_run.in_float32.layers[-1],
        )
        num_rounded = 0
        for weight, other in zip(
            trained.weights, portable.weights, strict=True
        ):
            value, of_portable = np.array(weight), np.array(other)
            if not np.array_equal(value, of_portable):
                num_rounded += 1
                rounded = keras.ops.cast(weight, "bfloat16")
                rounded = keras.ops.cast(rounded, "float32")
                np.testing.assert_array_equal(of_portable, rounded)
        self.assertGreater(num_rounded, 5)
        for layer in portable.layers[1:]:
            self.assertEqual(layer.compute_dtype, "float32")
        # The head computes in float32 under every policy.
        for kept in trained.layers[-1], trained.get_layer("normalize"):
            for weight, other in zip(
                kept.weights, portable.get_layer(kept.name).weights, strict=True
            ):
                np.testing.assert_array_equal(weight, other)

        # From the normalized image, in float32, to the first convolution.
        rounded = [
            layer
            for layer in portable.layers
            if isinstance(layer, network._Round)
        ]
        self.assertLen(rounded, 1)

        expected = of_run.model.predict(images, verbose=0)
        # Integers of 8 bits could not take the factors of the rounding.
        for of_model, rounds in (
            (of_run.in_float32, True),
            (of_run.to_be_quantized, False),
        ):
            kinds = {type(layer) for layer in of_model.layers[-1].layers}
            self.assertEqual(network._Round in kinds, rounds)
        actual = of_run.frozen_in_float32(images)["probabilities"]
        np.testing.assert_allclose(actual, expected, atol=0.01)
        self.assertEmpty(
            of_run.frozen.get_concrete_function().graph.trainable_variables
        )

    def test_rounding_is_that_of_a_cast(self):
        values = np.random.RandomState(0).normal(size=10_000, scale=100)
        values = values.astype(np.float32)
        for dtype in "bfloat16", "float16":
            expected = keras.ops.cast(keras.ops.cast(values, dtype), "float32")
            actual = network._Round(dtype)(values)
            np.testing.assert_array_equal(actual, expected)


if __name__ == "__main__":
    absltest.main()

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.layers import winograd


class ConvolveTest(parameterized.TestCase):
    @parameterized.parameters((3, 3), (7, 7), (5, 9))
    def test_is_the_convolution_without_its_last_outputs(self, height, width):
        rng = np.random.RandomState(0)
        x = tf.constant(rng.normal(size=(4, height, width, 5)))
        kernel = tf.constant(rng.normal(size=(3, 3, 5, 6)))
        x, kernel = tf.cast(x, tf.float32), tf.cast(kernel, tf.float32)
        results = []
        for convolve in (
            winograd.convolve,
            lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "SAME")[:, :-1, :-1],
        ):
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                y = convolve(x, kernel)
                loss = tf.reduce_sum(tf.sin(y))
            results.append([y, *tape.gradient(loss, [x, kernel])])
        for one, other in zip(*results, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


if __name__ == "__main__":
    absltest.main()

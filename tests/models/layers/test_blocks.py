import keras
import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.models.layers import blocks


class BlocksTest(parameterized.TestCase):
    @parameterized.parameters(
        lambda x, strides: blocks.conv(x, 4, strides=strides),
        lambda x, strides: blocks.conv(x, 4, 1, strides=strides),
        lambda x, strides: blocks.depthwise_conv(x, strides=strides),
    )
    def test_strides_keep_every_other_position(self, block):
        inputs = keras.Input((8, 8, 3))
        dense = keras.Model(inputs, block(inputs, strides=1))
        sparse = keras.Model(inputs, block(inputs, strides=2))
        sparse.set_weights(dense.get_weights())
        x = np.random.RandomState(0).normal(size=(2, 8, 8, 3))
        np.testing.assert_allclose(
            sparse(x), dense(x)[:, ::2, ::2], rtol=1e-5, atol=1e-6
        )

    def test_normalize(self):
        inputs = blocks.image()
        model = keras.Model(inputs, blocks.normalize(inputs))
        x = np.ones((1, 32, 32, 3), np.float32) * [0.4914, 0.4822, 0.7081]
        y = model(x)
        np.testing.assert_allclose(y[0, 0, 0], [0, 0, 1], atol=1e-5)
        self.assertEqual(model.count_params(), 0)

    @parameterized.parameters(
        lambda x: blocks.conv(x, 64), blocks.depthwise_conv
    )
    def test_initial_variance_is_that_of_he(self, block):
        # Unit variance in, 2 out: what ReLU halves.
        inputs = keras.Input((16, 16, 64))
        model = keras.Model(inputs, block(inputs))
        x = np.random.RandomState(0).normal(size=(8, 16, 16, 64))
        inner = model(x)[:, 1:-1, 1:-1]
        self.assertAlmostEqual(np.var(inner), 2, delta=0.4)


if __name__ == "__main__":
    absltest.main()

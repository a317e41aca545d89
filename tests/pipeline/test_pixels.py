import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.pipeline import pixels

_RNG = np.random.RandomState(0)
_IMAGES = _RNG.randint(0, 256, (7, 6, 5, 3)).astype(np.uint8)
_LOW = _RNG.randint(-3, 6, (2, 7)).astype(np.int32)
_HIGH = _LOW + 3
_WEIGHT = _RNG.rand(7, 1).astype(np.float32)


def _inside(i):
    return tuple(
        slice(max(0, low), max(0, high))
        for low, high in zip(_LOW[:, i], _HIGH[:, i], strict=True)
    )


class BoxTest(absltest.TestCase):
    def test_fill(self):
        expected = _IMAGES.copy()
        for i in range(7):
            expected[i][_inside(i)] = 128
        found = pixels.fill(_IMAGES, _LOW, _HIGH, value=128)
        np.testing.assert_array_equal(found, expected)

    def test_paste(self):
        expected = _IMAGES.copy()
        for i in range(7):
            expected[i][_inside(i)] = _IMAGES[i - 1][_inside(i)]
        found = pixels.paste(_IMAGES, _LOW, _HIGH)
        np.testing.assert_array_equal(found, expected)


class ScaleDownTest(parameterized.TestCase):
    @parameterized.parameters((12, 9, 4), (32, 32, 24), (5, 7, 5))
    def test_is_tensorflows_with_antialias(self, height, width, size):
        images = _RNG.rand(3, height, width, 3).astype(np.float32)
        np.testing.assert_allclose(
            pixels.scale_down(tf.constant(images), size),
            tf.image.resize(images, (size, size), antialias=True),
            atol=1e-6,
        )


class MixTest(parameterized.TestCase):
    @parameterized.parameters("bytes", "floats")
    def test_compiled_as_operation_by_operation_to_the_bit(self, kind):
        images = np.tile(_IMAGES, (1, 8, 8, 1))
        floats = pixels.to_float(tf.constant(images))
        mixed = pixels.mix_images(
            tf.constant(images) if kind == "bytes" else floats, _WEIGHT
        )
        weight = _WEIGHT[:, :, None, None]
        expected = floats * (1 - weight) + tf.roll(floats, 1, axis=0) * weight
        np.testing.assert_array_equal(mixed, expected)


class ToFloatTest(absltest.TestCase):
    def test_floats_stay_as_they_are(self):
        floats = tf.constant([0.25])
        self.assertIs(pixels.to_float(floats), floats)


if __name__ == "__main__":
    absltest.main()

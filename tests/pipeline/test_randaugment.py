import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized
from PIL import Image, ImageEnhance, ImageOps

from cifar10_tf.datasets.tfds import synthetic10
from cifar10_tf.pipeline import randaugment
from cifar10_tf.pipeline.draws import Draws

_IMAGES, _ = synthetic10.draw(5, 12)
_ONES = tf.ones([len(_IMAGES)])


def _pillow(operation):
    return np.stack([operation(Image.fromarray(i)) for i in _IMAGES])


class OperationsTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("autocontrast", randaugment._autocontrast, ImageOps.autocontrast, 1),
        ("equalize", randaugment._equalize, ImageOps.equalize, 0),
        (
            "solarize",
            randaugment._solarize,
            lambda i: ImageOps.solarize(i, 255 * 0.6),
            0,
        ),
        (
            "posterize",
            randaugment._posterize,
            lambda i: ImageOps.posterize(i, 8 - round(4 * 0.4)),
            0,
        ),
    )
    def test_as_pillow_does(self, operation, reference, tolerance):
        found = operation(tf.constant(_IMAGES), 0.4, _ONES).numpy()
        expected = _pillow(reference)
        difference = np.abs(found.astype(int) - expected)
        self.assertLessEqual(difference.max(), tolerance)
        self.assertFalse(np.array_equal(found, _IMAGES))

    @parameterized.product(
        pair=[
            (randaugment._grey, ImageEnhance.Color),
            (randaugment._mean_grey, ImageEnhance.Contrast),
            (tf.zeros_like, ImageEnhance.Brightness),
            (randaugment._smooth, ImageEnhance.Sharpness),
        ],
        sign=[-1, 1],
    )
    def test_blending_as_pillow_does(self, pair, sign):
        degenerate, enhance = pair
        operation = randaugment._blending(degenerate)
        found = operation(tf.constant(_IMAGES), 0.4, sign * _ONES).numpy()
        factor = 1 + 0.9 * 0.4 * sign
        expected = _pillow(lambda i: enhance(i).enhance(factor))
        # Pillow rounds the degenerate image first, and cuts decimals off.
        difference = np.abs(found.astype(int) - expected)
        self.assertLessEqual(difference.max(), 2)

    @parameterized.parameters(
        (randaugment._translation_x, lambda i: np.roll(i, -14, axis=2)),
        (randaugment._translation_y, lambda i: np.roll(i, -14, axis=1)),
    )
    def test_translation(self, matrix, rolled):
        # 150 / 331 of 32 pixels is 14.5: 14 whole ones.
        found = randaugment._affine(matrix)(tf.constant(_IMAGES), 1.0, _ONES)
        expected = rolled(_IMAGES)
        kept = np.s_[:, : 32 - 15, : 32 - 15]
        np.testing.assert_array_equal(found[kept], expected[kept])
        self.assertEqual(np.max(found[:, -14:, -14:]), 0)

    @parameterized.parameters(
        randaugment._rotation, randaugment._shear_x, randaugment._shear_y
    )
    def test_affine_operations_keep_the_centre(self, matrix):
        images = np.zeros((2, 33, 33, 3), np.uint8)
        images[:, 16, 16] = 255
        operation = randaugment._affine(matrix)
        signs = tf.constant([-1.0, 1.0])
        found = operation(tf.constant(images), 1.0, signs).numpy()
        self.assertTrue((found[:, 16, 16] == 255).all())

    def test_opposite_signs_turn_opposite_ways(self):
        images = np.zeros((2, 33, 33, 1), np.uint8)
        images[:, 16] = 255  # a horizontal line
        operation = randaugment._affine(randaugment._rotation)
        found = operation(
            tf.constant(images), 1.0, tf.constant([-1.0, 1.0])
        ).numpy()
        # 12 pixels from the centre, 30 degrees up and down are 7 pixels.
        rise = found[:, :, 28, 0].argmax(axis=1) - 16
        self.assertEqual(abs(rise[0]), 7)
        self.assertEqual(rise[0], -rise[1])

    def test_solarize_at_a_threshold_between_two_values(self):
        images = tf.constant([178, 179], tf.uint8)
        found = randaugment._solarize(images, 9 / 30, None)  # 178.5
        np.testing.assert_array_equal(found, [178, 76])

    def test_nothing_changes_at_magnitude_0(self):
        for operation in randaugment._OPERATIONS:
            if operation in (
                randaugment._autocontrast,  # they have no magnitude
                randaugment._equalize,
                randaugment._solarize,  # inverts 255 itself
            ):
                continue
            found = operation(tf.constant(_IMAGES), 0.0, _ONES)
            np.testing.assert_array_equal(found, _IMAGES)

    def test_uniform_images_survive(self):
        images = tf.constant(np.full((3, 32, 32, 3), 77, np.uint8))
        for operation in (randaugment._autocontrast, randaugment._equalize):
            np.testing.assert_array_equal(
                operation(images, 1.0, tf.ones([3])), images
            )


class RandaugmentTest(absltest.TestCase):
    def test_a_function_of_images_and_seed(self):
        one = randaugment.randaugment(_IMAGES, Draws((1, 2), 12), 9)
        again = randaugment.randaugment(_IMAGES, Draws((1, 2), 12), 9)
        other = randaugment.randaugment(_IMAGES, Draws((1, 3), 12), 9)
        self.assertEqual(one.dtype, tf.uint8)
        self.assertEqual(one.shape, _IMAGES.shape)
        np.testing.assert_array_equal(one, again)
        self.assertFalse(np.array_equal(one, other))

    def test_images_get_operations_of_their_own(self):
        same = np.repeat(_IMAGES[:1], 300, axis=0)
        found = randaugment.randaugment(same, Draws((1, 2), 300), 9).numpy()
        # 14 operations, 9 of them with two signs, squared.
        self.assertGreater(len(np.unique(found, axis=0)), 80)

    def test_images_keep_their_places(self):
        # Each is brighter than all that come before, by more than any
        # operation at magnitude 0 changes.
        values = np.arange(20, dtype=np.uint8) * 12
        images = np.tile(values[:, None, None, None], (1, 8, 8, 3))
        found = randaugment.randaugment(images, Draws((1, 2), 20), 0).numpy()
        np.testing.assert_array_equal(found, images)


if __name__ == "__main__":
    absltest.main()

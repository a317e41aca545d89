import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.datasets.tfds import synthetic10
from cifar10_tf.evaluation.corruptions import by_name
from cifar10_tf.evaluation.corruptions.by_name import CORRUPTIONS, corrupt

# Where nothing is random, and where the authors' constants are not ascending:
# elastic_transform moves the three points ever less, and saturate takes colour
# away before it adds some.
_DETERMINISTIC = {
    "defocus_blur", "zoom_blur", "gaussian_blur", "brightness", "contrast",
    "saturate", "pixelate", "jpeg_compression",
}  # fmt: skip
_NOT_ASCENDING = {"elastic_transform"}


class CorruptTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.images, _ = synthetic10.draw(1, 60)

    def _distance(self, corrupted):
        return abs(corrupted.astype(float) - self.images).mean()

    @parameterized.parameters(*CORRUPTIONS)
    def test_every_corruption(self, name):
        before = self.images.copy()
        results = [corrupt(self.images, name, s) for s in by_name.SEVERITIES]
        np.testing.assert_array_equal(self.images, before)
        for result in results:
            self.assertEqual(result.dtype, np.uint8)
            self.assertEqual(result.shape, self.images.shape)
            self.assertBetween(self._distance(result), 0.3, 100)
        if name not in _NOT_ASCENDING:
            first, *_, last = map(self._distance, results)
            self.assertGreater(last, 1.1 * first)

    @parameterized.parameters(*CORRUPTIONS)
    def test_the_seed_determines_the_bits(self, name):
        one, again, other = (
            corrupt(self.images, name, 3, s) for s in (1, 1, 2)
        )
        np.testing.assert_array_equal(one, again)
        self.assertEqual((one == other).all(), name in _DETERMINISTIC)

    def test_neither_threads_nor_chunks_meet_the_same_numbers(self):
        images = np.full((1001, 32, 32, 3), 128, np.uint8)
        result = corrupt(images, "gaussian_noise", 1)
        self.assertLen(np.unique(result.reshape(1001, -1), axis=0), 1001)
        np.testing.assert_array_equal(
            result, corrupt(images, "gaussian_noise", 1)
        )

    @parameterized.product(name=list(CORRUPTIONS), value=[0, 255])
    def test_images_without_anything_to_see(self, name, value):
        images = np.full((3, 32, 32, 3), value, np.uint8)
        with np.errstate(all="raise"):
            corrupt(images, name, 5)

    @parameterized.parameters(
        "pixelate",
        "elastic_transform",
        *(n for n in CORRUPTIONS if "blur" in n),
    )
    def test_a_flat_image_stays_where_nothing_is_added(self, name):
        images = np.full((2, 32, 32, 3), (7, 100, 254), np.uint8)
        for severity in 1, 5:
            result = corrupt(images, name, severity)
            np.testing.assert_array_equal(result, images)


if __name__ == "__main__":
    absltest.main()

import numpy as np
from absl.testing import absltest

from cifar10_tf.evaluation.corruptions import drops


class DropsTest(absltest.TestCase):
    def test_edges_are_one_pixel_wide_and_around(self):
        planes = np.zeros((2, 32, 32), np.float32)
        planes[1, 10:20, 10:20] = 200
        edges = drops.canny_edges(planes, 50, 150)
        self.assertFalse(edges[0].any())
        rows, columns = np.nonzero(edges[1])
        self.assertBetween(len(rows), 28, 44)
        for places in rows, columns:
            self.assertBetween(places.min(), 9, 10)
            self.assertBetween(places.max(), 19, 20)
        self.assertFalse(edges[1, 12:18, 12:18].any())
        np.testing.assert_array_equal(edges[1, 15].nonzero()[0].shape, [2])

    def test_weak_edges_need_a_strong_one(self):
        planes = np.zeros((2, 32, 32), np.float32)
        planes[:, :, 16:] = 20  # 4 * 20 is above low, not above high
        self.assertFalse(drops.canny_edges(planes, 50, 150).any())
        planes[1, :8, 16:] = 100
        edges = drops.canny_edges(planes, 50, 150)
        self.assertFalse(edges[0].any())
        self.assertGreater(edges[1, 20:].sum(), 5)

    def test_equalize(self):
        levels = np.full((2, 32, 32), 7, np.uint8)
        levels[1, :16] = 8
        levels[1, :8] = 9
        result = drops.equalize(levels)
        np.testing.assert_array_equal(result[0], 7)
        # Of 512 above the lowest level one half is 8, the other 9.
        self.assertEqual(result[1, 20, 0], 0)
        self.assertEqual(result[1, 10, 0], 128)
        self.assertEqual(result[1, 0, 0], 255)

    def test_relief_is_of_each_image_alone(self):
        rng = np.random.default_rng(0)
        planes = np.zeros((3, 32, 32), np.float32)
        planes[1, 8:20, 8:20] = 200
        planes[2] = rng.integers(0, 256, (32, 32))
        together = drops.relief(planes)
        for plane, result in zip(planes, together, strict=True):
            np.testing.assert_array_equal(drops.relief(plane[None])[0], result)


if __name__ == "__main__":
    absltest.main()

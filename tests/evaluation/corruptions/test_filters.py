import numpy as np
from absl.testing import absltest, parameterized
from scipy import ndimage

from cifar10_tf.evaluation.corruptions import filters
from tests import fakes


def _planes(num_images=3):
    return filters.to_planes(fakes.random_arrays(num_images)[0])


class FiltersTest(parameterized.TestCase):
    def test_planes_and_back(self):
        images, _ = fakes.random_arrays(2)
        planes = filters.to_planes(images)
        self.assertEqual(planes.shape, (3, 2, 32, 32))
        np.testing.assert_array_equal(planes[2, 1], images[1, :, :, 2])
        np.testing.assert_array_equal(filters.to_images(planes), images)

    def test_fractions_are_cut_off(self):
        values = np.array([-3, 0.6, 6.9999, 254.5, 300], np.float32)
        self.assertEqual(filters.to_bytes(values).tolist(), [0, 0, 7, 254, 255])

    @parameterized.parameters(0.05, 0.4, 1, 3)
    def test_gaussian_blur(self, sigma):
        planes = _planes()
        result = filters.filter_both(filters.blur_matrix(sigma), planes)
        expected = ndimage.gaussian_filter(
            planes, [0, 0, sigma, sigma], mode="nearest"
        )
        np.testing.assert_allclose(result, expected, atol=1e-3)

    @parameterized.parameters(1, 1.03, 1.26, 1.75, 2.25)
    def test_zoom(self, factor):
        plane = _planes()[0, 0]
        result = filters.filter_both(filters.zoom_matrix(factor), plane)
        size = int(np.ceil(32 / factor))
        start = (32 - size) // 2
        middle = plane[start : start + size, start : start + size]
        zoomed = ndimage.zoom(middle, factor, order=1)
        start = (len(zoomed) - 32) // 2
        np.testing.assert_allclose(
            result,
            zoomed[start : start + 32, start : start + 32],
            atol=1e-2,
        )

    def test_correlate(self):
        planes = _planes()
        kernel = np.arange(9.0).reshape(3, 3)
        np.testing.assert_allclose(
            filters.correlate(planes, kernel),
            ndimage.correlate(planes, kernel[None, None], mode="mirror"),
            rtol=1e-5,
        )

    @parameterized.parameters((True, "mirror"), (False, "reflect"))
    def test_sample(self, mirror, mode):
        planes = _planes()
        rng = np.random.default_rng(0)
        y, x = rng.uniform(-25, 56, (2, 3, 32, 32)).astype(np.float32)
        result = filters.sample(planes, y, x, mirror=mirror)
        for channel, image in np.ndindex(3, 3):
            expected = ndimage.map_coordinates(
                planes[channel, image], [y[image], x[image]], order=1, mode=mode
            )
            np.testing.assert_allclose(
                result[channel, image], expected, atol=0.01
            )

    @parameterized.parameters(
        (0, 0, 1), (45, 1, 1), (90, 1, 0), (-45, -1, 1), (-135, -1, -1)
    )
    def test_motion_blur_begins_at_the_pixel(self, degrees, down, right):
        planes = np.zeros((1, 2, 32, 32), np.float32)
        planes[:, :, 16, 16] = 200
        degrees = np.array([degrees, 0])
        result = filters.motion_blur(planes, 6, 2, degrees)[0, 0]
        # The pixel is seen from where the line leads to it.
        line = [result[16 - i * down, 16 - i * right] for i in range(5)]
        # Along a diagonal two steps may lead to one pixel.
        self.assertEqual(line[1:], sorted(line[1:], reverse=True))
        self.assertGreater(line[2], 10)
        self.assertEqual(result[16 + down, 16 + right], 0)
        weights = np.exp(-(np.arange(13) ** 2) / 8)
        self.assertAlmostEqual(line[0], 200 * weights[0] / weights.sum(), -1)
        if not down * right:
            self.assertAlmostEqual(result.sum(), 200, delta=5)


if __name__ == "__main__":
    absltest.main()

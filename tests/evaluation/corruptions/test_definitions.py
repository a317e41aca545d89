"""Each corruption against a plain form of its published definition."""

import colorsys
import io

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image
from scipy import ndimage

from cifar10_tf.evaluation.corruptions import blurs, digital, noise, weather
from tests import fakes


def _images(num_images=3):
    """Returns smooth images with some grey, black and white in them."""
    images, _ = fakes.random_arrays(num_images)
    images = ndimage.gaussian_filter(images.astype(float), [0, 2, 2, 0])
    images = np.clip((images - 128) * 5 + 128, 0, 255).astype(np.uint8)
    images[0, :4], images[0, 4:8], images[0, 8:12] = 0, 255, 99
    return images


def _rng():
    return np.random.default_rng(0)


def _by_hsv(image, change):
    """Returns an image of which `change` changes saturation and value."""
    result = np.empty_like(image)
    for place in np.ndindex(32, 32):
        h, s, v = colorsys.rgb_to_hsv(*image[place] / 255)
        s, v = np.clip(change(s, v), 0, 1)
        values = np.array(colorsys.hsv_to_rgb(h, s, v)) * 255
        result[place] = (values + 1e-3).astype(np.uint8)
    return result


class DigitalTest(parameterized.TestCase):
    def test_brightness(self):
        image = _images(1)
        expected = _by_hsv(image[0], lambda s, v: (s, v + 0.3))
        np.testing.assert_array_equal(
            digital.brightness(image, 5, None)[0], expected
        )

    @parameterized.parameters((1, 0.3, 0), (5, 2.5, 0.2))
    def test_saturate(self, severity, factor, more):
        image = _images(1)
        expected = _by_hsv(image[0], lambda s, v: (s * factor + more, v))
        result = digital.saturate(image, severity, None)[0]
        np.testing.assert_array_equal(result, expected)

    @parameterized.parameters(1, 2, 3, 4, 5)
    def test_pixelate_is_pillows(self, severity):
        images = _images()
        size = [30, 28, 27, 24, 20][severity - 1]
        for image, result in zip(
            images, digital.pixelate(images, severity, None), strict=True
        ):
            small = Image.fromarray(image).resize((size, size), Image.BOX)
            expected = np.asarray(small.resize((32, 32), Image.BOX))
            np.testing.assert_array_equal(result, expected)

    def test_jpeg_is_pillows(self):
        images = _images()
        file = io.BytesIO()
        Image.fromarray(images[2]).save(file, "JPEG", quality=40)
        np.testing.assert_array_equal(
            digital.jpeg_compression(images, 5, None)[2], Image.open(file)
        )

    def test_contrast(self):
        images = _images()
        means = images.mean(axis=(1, 2), keepdims=True)
        expected = means + 0.15 * (images - means)
        result = digital.contrast(images, 5, None)
        np.testing.assert_allclose(result, np.floor(expected), atol=1)

    def test_elastic_transform_moves_no_further_than_it_may(self):
        y, x = digital._affine_places(_rng(), 50, 0.0)
        np.testing.assert_allclose(y[0, 3], 3, atol=1e-4)
        np.testing.assert_allclose(x[0, :, 3], 3, atol=1e-4)
        y, x = digital._affine_places(_rng(), 50, 2.0)
        # Between the three points that are moved.
        self.assertBetween(abs(y[:, 16, 16] - 16).max(), 0.5, 4)
        self.assertGreater(x[:, 16, 16].std(), 0.3)


class BlursTest(parameterized.TestCase):
    @parameterized.parameters((1, 0.3, 0.4), (5, 1.5, 0.1))
    def test_defocus_blur(self, severity, radius, smooth):
        images = _images()
        place = np.arange(-8, 9)
        disk = (place[:, None] ** 2 + place**2 <= radius**2) * 1.0
        line = np.exp(-(np.arange(-1, 2) ** 2) / (2 * smooth**2))
        kernel = ndimage.correlate(disk / disk.sum(), np.outer(line, line))
        kernel /= kernel.sum()
        expected = ndimage.correlate(
            images.astype(float), kernel[None, :, :, None], mode="mirror"
        )
        result = blurs.defocus_blur(images, severity, None)
        np.testing.assert_allclose(result, expected - 0.5, atol=0.51)

    def test_glass_blur_takes_what_the_authors_loop_does(self):
        image = _images(1)
        steps = np.random.default_rng(1).integers(0, 2, (2, 1, 32, 32))
        steps[:, :, :2] = steps[:, :, :, :2] = 0
        up, left = steps[:, 0]
        expected = image[0].copy()
        for h in range(31, 1, -1):
            for w in range(31, 1, -1):
                expected[h, w] = expected[h - up[h, w], w - left[h, w]]
        np.testing.assert_array_equal(
            blurs._take_from_before(image, *steps)[0], expected
        )

    def test_zoom_blur_is_a_mean(self):
        images = _images()
        total = images.astype(float)
        factors = np.arange(1, 1.06, 0.01)
        for factor in factors:
            size = int(np.ceil(32 / factor))
            start = (32 - size) // 2
            middle = images[:, start : start + size, start : start + size]
            zoomed = ndimage.zoom(
                middle.astype(float), (1, factor, factor, 1), order=1
            )
            start = (zoomed.shape[1] - 32) // 2
            total += zoomed[:, start : start + 32, start : start + 32]
        result = blurs.zoom_blur(images, 1, None)
        expected = total / (len(factors) + 1)
        np.testing.assert_allclose(result, expected - 0.5, atol=0.52)


class NoiseTest(parameterized.TestCase):
    def _grey(self, value):
        return np.full((100, 32, 32, 3), value, np.uint8)

    def test_strengths(self):
        grey, bright = self._grey(100), self._grey(200)
        for function, images, deviation in (
            (noise.gaussian_noise, grey, 0.08 * 255),
            (noise.gaussian_noise, bright, 0.08 * 255),
            (noise.speckle_noise, grey, 0.12 * 100),
            (noise.speckle_noise, bright, 0.12 * 200),
            (noise.shot_noise, grey, 255 / 100 * (100 * 100 / 255) ** 0.5),
        ):
            change = function(images, 3, _rng()) - images.astype(float)
            self.assertLess(abs(change.mean() + 0.5), 2)
            if (images == grey).all():  # nothing is cut off
                self.assertAlmostEqual(change.std(), deviation, delta=0.3)

    def test_impulses_are_salt_and_pepper_in_each_channel(self):
        result = noise.impulse_noise(self._grey(100), 5, _rng())
        for value in 0, 255:
            share = (result == value).mean(axis=(0, 1, 2))
            np.testing.assert_allclose(share, 0.035, atol=0.003)
        self.assertAlmostEqual((result == 100).mean(), 0.93, delta=0.003)
        self.assertBetween((result == 0).any(-1).mean(), 0.09, 0.12)


class WeatherTest(absltest.TestCase):
    def test_plasma_is_the_diamond_square_algorithm(self):
        heights = weather.plasma(_rng(), 50, 3)
        self.assertEqual(heights.shape, (50, 32, 32))
        np.testing.assert_array_equal(heights.min(axis=(1, 2)), 0)
        np.testing.assert_array_equal(heights.max(axis=(1, 2)), 1)
        # Smooth, on a torus too, and the smoother the larger the decay.
        rough = weather.plasma(_rng(), 50, 1.75)
        for axis in 1, 2:
            steps = abs(heights - np.roll(heights, 1, axis)).mean()
            self.assertLess(steps, 0.05)
            self.assertGreater(
                abs(rough - np.roll(rough, 1, axis)).mean(), 1.2 * steps
            )

    def test_plasma_without_noise_interpolates(self):
        class Middle:
            def random(self, shape, dtype):
                noise = np.full(shape, 0.5, dtype)
                if shape[1:] == (1, 1):
                    noise += 0.5  # so that not all is the same
                return noise

        # One corner at 0 (a torus), what comes of the first step between.
        heights = weather.plasma(Middle(), 1, 3)[0]
        self.assertEqual(heights[0, 0], 0)
        self.assertEqual(heights[16, 16], heights.max() * heights[16, 16])
        np.testing.assert_allclose(heights, heights.T, atol=1e-6)

    def test_fog_keeps_the_brightest_value(self):
        images = _images()
        result = weather.fog(images, 5, _rng())
        self.assertLess(result.std(), images.std())
        self.assertLessEqual(result.max(), images.max())

    def test_mud_is_brown_and_water_bright(self):
        images = np.full((50, 32, 32, 3), 128, np.uint8)
        mud = weather.spatter(images, 5, _rng())
        changed = (mud != images).any(axis=-1)
        self.assertBetween(changed.mean(), 0.02, 0.5)
        darkest = mud[changed].min(axis=0)
        np.testing.assert_allclose(darkest, [63, 42, 20], atol=1)
        water = weather.spatter(images, 3, _rng()).astype(int) - 128
        self.assertGreaterEqual(water.min(), 0)
        # Half of pale turquoise where it is brightest.
        np.testing.assert_allclose(
            water.max(axis=(0, 1, 2)), [87, 119, 119], atol=1
        )

    def test_snow_falls_in_white(self):
        images = np.full((50, 32, 32, 3), (10, 60, 110), np.uint8)
        result = weather.snow(images, 5, _rng()).astype(int)
        change = result - images
        self.assertGreaterEqual(change.min(), 0)
        self.assertGreater(change.mean(), 30)
        # Whiter by grey, then by flakes; both have no colour but the image's.
        spread = result.max(axis=-1) - result.min(axis=-1)
        self.assertLess(spread.max(), 100)


if __name__ == "__main__":
    absltest.main()

import numpy as np
from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.pipeline import augmentation
from cifar10_tf.pipeline.draws import Draws
from cifar10_tf.settings.augmentations import AUGMENTATIONS
from tests import fakes


def _draws(batch_size, seed=(3, 4)):
    return Draws(seed, batch_size)


def _noise(num_examples, height=8, width=8, channels=3):
    rng = np.random.RandomState(0)
    shape = num_examples, height, width, channels
    return rng.randint(0, 256, shape).astype(np.uint8)


def _assert_even(test, counts):
    """Checks that equally likely outcomes are, to 5 standard deviations."""
    expected = np.sum(counts) / len(counts)
    deviation = np.abs(np.asarray(counts) - expected).max()
    test.assertLess(deviation, 5 * np.sqrt(expected))


class CutoutTest(absltest.TestCase):
    def test_one_square_is_blanked_and_the_rest_is_kept(self):
        images = _noise(200) // 2  # never the grey of the square
        found = augmentation.cutout(images, _draws(len(images)), 4).numpy()
        for before, after in zip(images, found, strict=True):
            blank = (after == 128).all(axis=-1)
            rows, columns = np.flatnonzero(blank.any(1)), blank.any(0)
            self.assertTrue((blank == np.outer(blank.any(1), columns)).all())
            self.assertBetween(len(rows), 2, 4)  # 2: centre on the border
            self.assertBetween(columns.sum(), 2, 4)
            np.testing.assert_array_equal(after[~blank], before[~blank])

    def test_each_place_is_equally_likely(self):
        images = np.zeros((32_000, 4, 4, 1), np.uint8)
        found = augmentation.cutout(images, _draws(len(images)), 1).numpy()
        _assert_even(self, (found == 128).sum(axis=(0, 3)).ravel())


class CutmixTest(absltest.TestCase):
    def test_labels_are_mixed_by_the_area_that_is_covered(self):
        # Each image is filled with its own number.
        num_examples = 100
        images = np.broadcast_to(
            np.arange(num_examples, dtype=np.uint8)[:, None, None, None],
            (num_examples, 8, 10, 3),
        )
        mixed, labels = augmentation.cutmix(
            images,
            np.eye(num_examples, dtype=np.float32),
            _draws(num_examples),
        )
        mixed, labels = mixed.numpy(), labels.numpy()
        for i in range(num_examples):
            from_partner = (mixed[i] == (i - 1) % num_examples).mean()
            from_itself = (mixed[i] == i).mean()
            self.assertAlmostEqual(from_partner + from_itself, 1)
            self.assertAlmostEqual(labels[i, i - 1], from_partner, places=6)
            self.assertAlmostEqual(labels[i, i], from_itself, places=6)

    def test_the_area_before_the_border_cuts_it_is_uniform(self):
        # A side of share s with a uniform centre keeps s - s^2 / 4 on average;
        # that squared, averaged over a uniform s^2, is 0.321.
        images = np.zeros((20_000, 64, 64, 1), np.uint8)
        labels = np.tile(np.eye(2, dtype=np.float32), (10_000, 1))
        _, mixed = augmentation.cutmix(images, labels, _draws(len(images)))
        of_partner = mixed.numpy()[labels == 0]
        self.assertAlmostEqual(of_partner.mean(), 0.321, delta=0.01)


class MixupTest(absltest.TestCase):
    def test_images_and_labels_have_the_same_weights(self):
        values = np.linspace(0, 1, 50, dtype=np.float32)
        images = np.broadcast_to(values[:, None, None, None], (50, 4, 4, 3))
        mixed, labels = augmentation.mixup(
            images, np.eye(50, dtype=np.float32), _draws(50)
        )
        expected = labels.numpy() @ values
        np.testing.assert_allclose(
            mixed.numpy(),
            np.broadcast_to(expected[:, None, None, None], mixed.shape),
            atol=1e-6,
        )
        np.testing.assert_allclose(labels.numpy().sum(1), 1, atol=1e-6)
        self.assertTrue((np.count_nonzero(labels, axis=1) == 2).all())

    def test_weights_are_uniform(self):
        labels = np.tile(np.eye(2, dtype=np.float32), (20_000, 1))
        images = np.zeros((40_000, 1, 1, 1), np.float32)
        _, mixed = augmentation.mixup(images, labels, _draws(len(images)))
        _assert_even(self, np.histogram(mixed.numpy()[::2, 0], 10)[0])


class ColourTest(parameterized.TestCase):
    def test_brightness_shifts_evenly(self):
        images = np.full((20_000, 1, 1, 3), 0.5, np.float32)
        found = augmentation.brightness(
            images, _draws(len(images)), 0.2
        ).numpy()
        self.assertEqual(np.ptp(found, axis=-1).max(), 0)
        counts, edges = np.histogram(found[..., 0], 10)
        _assert_even(self, counts)
        np.testing.assert_allclose(edges[[0, -1]], [0.3, 0.7], atol=1e-3)

    def test_contrast_scales_about_grey(self):
        images = np.tile(
            np.array([0.25, 0.5, 0.75], np.float32), (20_000, 1, 1, 1)
        )
        found = augmentation.contrast(images, _draws(len(images)), 0.2).numpy()
        factor = (found - 0.5) / 0.25
        np.testing.assert_allclose(factor[..., 1], 0, atol=1e-6)
        np.testing.assert_allclose(factor[..., 0], -factor[..., 2], atol=1e-6)
        counts, edges = np.histogram(factor[..., 2], 10)
        _assert_even(self, counts)
        np.testing.assert_allclose(edges[[0, -1]], [0.8, 1.2], atol=1e-3)

    @parameterized.parameters(augmentation.brightness, augmentation.contrast)
    def test_the_result_stays_in_range(self, change):
        found = change(_noise(50) / np.float32(255), _draws(50), 1.0).numpy()
        self.assertBetween(found.min(), 0, 1)
        self.assertBetween(found.max(), 0, 1)


class NamesTest(absltest.TestCase):
    def test_there_is_something_for_each_that_can_be_asked_for(self):
        on_images = [*augmentation.ON_BYTES, *augmentation.ON_FLOATS]
        of_views = ["flip", "alternating_flip", "crop", "zero_crop"]
        # In the order of application, too.
        self.assertEqual([*of_views, *on_images], [*AUGMENTATIONS])


class AnyShapeTest(parameterized.TestCase):
    @given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
    @settings(max_examples=15, deadline=None)
    def test_sizes_that_are_no_multiple_of_a_word(self, height, width, depth):
        images = _noise(6, height, width, depth)
        labels = np.eye(6, dtype=np.float32)
        mixed = augmentation.cutmix(images, labels, _draws(len(images)))[
            0
        ].numpy()
        self.assertEqual(mixed.shape, images.shape)
        partner = np.roll(images, 1, axis=0)
        self.assertTrue(((mixed == images) | (mixed == partner)).all())
        self.assertEqual(
            augmentation.cutout(images, _draws(len(images)), 2).shape,
            images.shape,
        )

    def test_the_same_seed_gives_the_same(self):
        images, labels = fakes.random_arrays(20)
        one_hot = np.eye(10, dtype=np.float32)[labels]
        pixels = images / np.float32(255)
        for change in (
            lambda d: augmentation.cutout(images, d, 8),
            lambda d: augmentation.cutmix(images, one_hot, d)[0],
            lambda d: augmentation.mixup(pixels, one_hot, d)[0],
            lambda d: augmentation.brightness(pixels, d, 0.5),
            lambda d: augmentation.contrast(pixels, d, 0.5),
        ):
            first, again, other = (
                change(_draws(20, seed)) for seed in ((1, 2), (1, 2), (1, 3))
            )
            np.testing.assert_array_equal(first, again)
            self.assertFalse(np.array_equal(first, other))


if __name__ == "__main__":
    absltest.main()

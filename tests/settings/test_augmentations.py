from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.settings import augmentations


class AugmentSpecTest(parameterized.TestCase):
    def test_defaults_strengths_and_order(self):
        self.assertEqual(
            augmentations.parse(" mixup, crop=2 ,flip"),
            {"flip": 1, "crop": 2, "mixup": 1},
        )

    @parameterized.parameters("", "none", " none ")
    def test_none(self, text):
        self.assertEqual(augmentations.parse(text), {})
        self.assertEqual(augmentations.canonical(text), "none")

    @parameterized.parameters(
        ("flop", "Unknown augmentation 'flop'"),
        ("Cutout", "did you mean cutout.*mixup, none"),
        ("flip crop", "Unknown augmentation 'flip crop'"),
        ("flip,,crop", "a name is missing in 'flip,,crop'"),
        ("crop,", "a name is missing"),
        ("=3", "a name is missing"),
        ("flip,none", "none stands alone"),
        ("flip,flip", "twice"),
        ("flip,alternating_flip", "exclude"),
        ("crop,zero_crop=2", "exclude"),
        ("mixup=0.5", "no strength"),
        ("crop=", "1 to 12"),
        ("crop=x", "must be a whole number from 1 to 12, got 'x'"),
        ("crop=1e400", "1 to 12"),
        ("brightness=x", "must be a number from 0 to 1, got 'x'"),
        ("crop=0", "1 to 12"),
        ("crop=2.5", "whole"),
        ("brightness=nan", "0 to 1"),
        ("brightness=1.5", "0 to 1"),
        ("brightness=0,15", "a decimal point is a dot"),
    )
    def test_mistakes_are_named(self, text, message):
        with self.assertRaisesRegex(ValueError, message):
            augmentations.parse(text)

    def test_canonical_text_means_the_same(self):
        text = augmentations.canonical("mixup,brightness=0.125,cutout,flip")
        self.assertEqual(text, "flip,cutout=8,brightness=0.125,mixup")
        self.assertEqual(augmentations.canonical(text), text)

    @given(st.floats(0, 1), st.integers(1, 12))
    @settings(deadline=None)
    def test_canonical_text_keeps_strengths(self, brightness, crop):
        text = f"brightness={brightness!r},crop={crop}"
        canonical = augmentations.canonical(text)
        self.assertEqual(
            augmentations.parse(canonical), augmentations.parse(text)
        )

    def test_description_names_every_augmentation(self):
        for name in augmentations.AUGMENTATIONS:
            self.assertIn(name, augmentations.describe())


if __name__ == "__main__":
    absltest.main()

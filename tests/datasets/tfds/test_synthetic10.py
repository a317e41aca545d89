import hashlib
from unittest import mock

import numpy as np
from absl.testing import absltest

from cifar10_tf.datasets.tfds import decoding, synthetic10
from tests import fakes


class DrawTest(absltest.TestCase):
    def test_the_same_images_for_ever(self):
        # Results on a VERSION can be compared only while this holds; other
        # images need another VERSION.
        images, _ = synthetic10.draw(0, 100)
        self.assertEqual(
            hashlib.sha256(images.tobytes()).hexdigest(),
            "4b6e8170efe986bc1e293149cbf90406fa1d23d4f67a4bf4a78db7cea36ec893",
        )

    def test_shapes_types_and_balance(self):
        images, labels = synthetic10.draw(3, 50)
        self.assertEqual(images.shape, (50, 32, 32, 3))
        self.assertEqual(images.dtype, np.uint8)
        np.testing.assert_array_equal(np.bincount(labels), [5] * 10)

    def test_seeds_give_other_images(self):
        one, _ = synthetic10.draw(0, 10)
        other, _ = synthetic10.draw(1, 10)
        self.assertFalse(np.array_equal(one, other))


class BuilderTest(absltest.TestCase):
    def test_splits_share_no_drawing(self):
        builder = synthetic10.Synthetic10(
            data_dir=self.create_tempdir().full_path
        )
        seeds = {}

        def draw(seed, count):
            seeds[split].append(seed)
            return np.empty((count, 1)), np.zeros(count)

        with mock.patch.object(synthetic10, "draw", draw):
            for split, examples in builder._split_generators(None).items():
                seeds[split] = []
                keys = [key for key, _ in examples]
                self.assertLen(set(keys), len(keys))
                self.assertLen(keys, {"train": 50_000, "test": 10_000}[split])
        self.assertEmpty(set(seeds["train"]) & set(seeds["test"]))

    def test_prepared_and_decoded(self):
        directory = fakes.write_synthetic10(self.create_tempdir().full_path)
        arrays = decoding.decode(directory)
        self.assertIn("crescent", arrays["class_names"])
        drawn, labels = synthetic10.draw(0, 1000)
        found = {
            image.tobytes(): label
            for image, label in zip(
                arrays["train_images"], arrays["train_labels"], strict=True
            )
        }
        for image, label in zip(drawn, labels, strict=True):
            self.assertEqual(found[image.tobytes()], label)


if __name__ == "__main__":
    absltest.main()

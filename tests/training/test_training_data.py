from unittest import mock

import numpy as np
from absl.testing import absltest

from cifar10_tf.datasets.loading import Examples, ImageDataset
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from cifar10_tf.training import training_data
from tests import fakes

_NAMES = tuple("abcdefghij")


def _dataset(num_train=200, num_test=20):
    images, labels = fakes.random_arrays(num_train + num_test)
    train, test = slice(num_train), slice(num_train, None)
    return ImageDataset(
        source="",
        class_names=_NAMES,
        train=Examples(images[train], labels[train]),
        test=Examples(images[test], labels[test]),
    )


def _load(dataset=None, **settings):
    with mock.patch.object(
        training_data, "load_dataset", return_value=dataset or _dataset()
    ):
        return training_data.load(make_config(**settings))


class LoadTest(absltest.TestCase):
    def test_shares_of_the_training_split(self):
        dataset = _dataset()
        data = _load(dataset, validation_fraction=0.3, augment="none")
        self.assertEqual((data.num_train, data.num_validation), (140, 60))
        self.assertEqual(data.class_names, _NAMES)
        self.assertIs(data.test, dataset.test)
        seen = [
            (np.rint(image * 255).astype(np.uint8).tobytes(), label.argmax())
            for batches in (data.train.in_order(64), data.validation)
            for images, labels in batches.as_numpy_iterator()
            for image, label in zip(images, labels, strict=True)
        ]
        expected = [
            (image.tobytes(), label)
            for image, label in zip(*dataset.train, strict=True)
        ]
        self.assertCountEqual(seen, expected)

    def test_without_validation(self):
        data = _load(validation_fraction=0.0)
        self.assertIsNone(data.validation)
        self.assertEqual(data.num_validation, 0)
        self.assertEqual(data.num_train, 200)

    def test_the_sample_is_of_what_is_trained_on(self):
        with mock.patch.object(training_data, "_SAMPLE_SIZE", 30):
            data = _load(validation_fraction=0.3)
        self.assertLen(data.sample, 30)
        trained = {
            np.rint(image * 255).astype(np.uint8).tobytes()
            for images, _ in data.train.in_order(64).as_numpy_iterator()
            for image in images
        }
        for image in data.sample:
            self.assertIn(image.tobytes(), trained)

    def test_the_digest_is_of_all_images_and_labels(self):
        digests = {_load().digest, _load(seed=7, epochs=3).digest}
        self.assertLen(digests, 1)
        for split in ("train", "test"):
            for array in (0, 1):
                dataset = _dataset()
                getattr(dataset, split)[array][-1] ^= 1
                digests.add(_load(dataset).digest)
        self.assertLen(digests, 5)

    def test_nothing_left_to_train_on(self):
        with self.assertRaisesRegex(UserError, "0.99 leaves none of 20"):
            _load(_dataset(20), validation_fraction=0.99)


if __name__ == "__main__":
    absltest.main()

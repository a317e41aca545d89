import os
import shutil
from unittest import mock

import numpy as np
import pytest
from absl.testing import absltest

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.tfds import decoding
from cifar10_tf.datasets.validation_split import split_train
from tests import cases, fakes


class LoadDatasetTest(cases.MachineTestCase):
    def test_arrays_are_what_was_prepared(self):
        fakes.write_cifar10(self.data_dir, 30, 20)
        dataset = load_dataset("cifar10", "")
        self.assertEqual(dataset.train.images.shape, (30, 32, 32, 3))
        self.assertEqual(dataset.test.images.shape, (20, 32, 32, 3))
        self.assertEqual(dataset.train.images.dtype, np.uint8)
        self.assertEqual(dataset.class_names[3], "cat")
        # TFDS shuffles: compare as sets of (image, label).
        images, labels = fakes.synthetic10.draw(1, 30)
        self.assertCountEqual(
            [(x.tobytes(), y) for x, y in zip(images, labels, strict=True)],
            [
                (x.tobytes(), y)
                for x, y in zip(
                    dataset.train.images, dataset.train.labels, strict=True
                )
            ],
        )

    def test_a_second_start_decodes_nothing(self):
        fakes.write_cifar10(self.data_dir, 30, 20)
        first = load_dataset("cifar10", "")
        with mock.patch.object(decoding, "decode") as decode:
            second = load_dataset("cifar10", "")
        decode.assert_not_called()
        for split in ("train", "test"):
            for one, other in zip(
                getattr(first, split), getattr(second, split), strict=True
            ):
                np.testing.assert_array_equal(one, other)
        self.assertEqual(first.class_names, second.class_names)
        self.assertIsInstance(second.train.images, np.memmap)

    def test_other_data_are_decoded_anew(self):
        directory = fakes.write_cifar10(self.data_dir, 30, 20)
        load_dataset("cifar10", "")
        shutil.rmtree(directory)
        fakes.write_cifar10(self.data_dir, 40, 20)
        self.assertLen(load_dataset("cifar10", "").train.labels, 40)

    def test_a_damaged_cache_is_decoded_again(self):
        fakes.write_cifar10(self.data_dir, 30, 20)
        first = load_dataset("cifar10", "")
        (path,) = self.cache.rglob("train_images.npy")
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            again = load_dataset("cifar10", "")
        self.assertIn("train_images.npy has another", logs.output[0])
        self.assertEqual(first.class_names, again.class_names)
        np.testing.assert_array_equal(first.train.images, again.train.images)


_REAL_DATA_DIR = os.environ.get("TFDS_DATA_DIR", "")


@pytest.mark.slow
@absltest.skipUnless(
    _REAL_DATA_DIR and os.path.isdir(f"{_REAL_DATA_DIR}/cifar10"),
    "needs CIFAR-10 in TFDS_DATA_DIR",
)
class RealDataTest(cases.MachineTestCase):
    def test_cifar10(self):
        with mock.patch.dict(
            os.environ, XDG_CACHE_HOME=str(cases.shared_cache())
        ):
            dataset = load_dataset("cifar10", _REAL_DATA_DIR)
        self.assertEqual(dataset.train.images.shape, (50_000, 32, 32, 3))
        self.assertEqual(dataset.test.images.shape, (10_000, 32, 32, 3))
        for labels, count in (
            (dataset.train.labels, 5000),
            (dataset.test.labels, 1000),
        ):
            np.testing.assert_array_equal(np.bincount(labels), [count] * 10)
        self.assertEqual(dataset.class_names[0], "airplane")
        train, validation = split_train(dataset.train.labels, 0.3)
        np.testing.assert_array_equal(
            np.bincount(dataset.train.labels[validation]), [1500] * 10
        )
        self.assertLen(train, 35_000)


if __name__ == "__main__":
    absltest.main()

from unittest import mock

import numpy as np
import tensorflow_datasets as tfds
from absl.testing import absltest, parameterized

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import decoding
from cifar10_tf.system.errors import UserError
from tests import cases, fakes


class OtherDatasetsTest(cases.MachineTestCase):
    """Whatever TFDS has that is not CIFAR-10."""

    def _features(self, shape=(28, 28, 1), **label):
        return {
            "image": tfds.features.Image(shape=shape),
            "label": tfds.features.ClassLabel(**label or {"num_classes": 3}),
        }

    def _examples(self, count, shape=(28, 28, 1)):
        return [
            {"image": np.full(shape, 60 * i, np.uint8), "label": i}
            for i in range(count)
        ]

    def _write(self, name, features=None, splits=("train", "test"), **options):
        examples = {split: self._examples(3) for split in splits}
        return fakes.write_tfds(
            self.data_dir, name, features or self._features(), examples,
            **options,
        )  # fmt: skip

    def _load(self, name):
        return load_dataset(resolve_dataset(name, ""), "")

    def test_grey_images_without_class_names(self):
        self._write("mnist")
        dataset = self._load("mnist")
        self.assertEqual(dataset.class_names, ("0", "1", "2"))
        self.assertEqual(dataset.train.images.shape, (3, 32, 32, 3))
        for image, label in zip(*dataset.train, strict=True):
            np.testing.assert_array_equal(image, 60 * label)

    def test_images_of_any_size_and_other_features(self):
        features = self._features(
            shape=(None, None, 3), names=["a cat", "dog", "emu"]
        ) | {"tags": tfds.features.Sequence(np.int64)}
        examples = [
            {
                "image": np.full((20 + 50 * i, 300, 3), 60 * i, np.uint8),
                "label": i,
                "tags": list(range(i)),
            }
            for i in range(3)
        ]
        fakes.write_tfds(
            self.data_dir, "pets", features,
            {"train": examples, "test": examples[1:]},
        )  # fmt: skip
        dataset = self._load("pets")  # which is not in TFDS's catalog
        self.assertEqual(dataset.class_names, ("a cat", "dog", "emu"))
        self.assertLen(dataset.test.labels, 2)
        for image, label in zip(*dataset.train, strict=True):
            np.testing.assert_array_equal(image, 60 * label)

    def test_it_says_how_far_it_is(self):
        directory = self._write("mnist")
        with fakes.talkative_progress(decoding) as text:
            decoding.decode(directory)
        # One by one, as they are of another size; both splits together.
        self.assertStartsWith(text.getvalue(), "Images decoded: 1 of 6, ")
        self.assertIn("Images decoded: 5 of 6, ", text.getvalue())

    def test_a_config(self):
        self._write("eurosat/rgb")
        for name in ("eurosat/rgb", "eurosat"):
            self.assertEqual(resolve_dataset(name, ""), "eurosat/rgb")
        self.assertLen(self._load("eurosat/rgb").train.labels, 3)

    def test_features_by_other_names(self):
        features = {
            "picture": tfds.features.Image(shape=(32, 32, 3)),
            "kind": tfds.features.ClassLabel(names=["cat", "dog"]),
            "label": tfds.features.Text(),
        }
        rows = [
            {"picture": image, "kind": i, "label": "none"}
            for i, image in enumerate(fakes.random_arrays(2)[0])
        ]
        fakes.write_tfds(
            self.data_dir, "pets", features, {"train": rows, "test": rows},
            supervised_keys=("picture", "kind"),
        )  # fmt: skip
        dataset = self._load("pets")
        self.assertEqual(dataset.class_names, ("cat", "dog"))
        self.assertCountEqual(dataset.train.labels, [0, 1])

    def test_validation_stands_in_for_a_missing_test_split(self):
        self._write("mnist", splits=("train", "validation"))
        for _ in range(2):  # decoded or not
            with self.assertLogs("cifar10_tf", "INFO") as logs:
                self._load("mnist")
            self.assertIn("testing on validation", "".join(logs.output))

    def test_no_split_to_test_on(self):
        self._write("mnist", splits=("train", "extra"))
        with self.assertRaisesRegex(
            UserError, "lacks a train split.*train, extra"
        ):
            resolve_dataset("mnist", "")

    @parameterized.parameters(
        {"label": tfds.features.Text()},
        {"label": tfds.features.Sequence(tfds.features.Text())},
        {"image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint16)},
        {"image": tfds.features.Text()},
    )
    def test_no_labelled_images(self, **other):
        features = self._features(shape=(8, 8, 1)) | other
        info = mock.Mock(supervised_keys=None, features=features)
        with self.assertRaisesRegex(UserError, "no dataset of labelled images"):
            decoding.feature_names(info)

    def test_truncated(self):
        directory = self._write("mnist")
        (shard,) = directory.glob("*test.tfrecord*")
        shard.write_bytes(shard.read_bytes()[:-1])
        with self.assertRaisesRegex(UserError, "are damaged.*mnist-test"):
            resolve_dataset("mnist", "")

    def test_a_split_without_labels(self):
        rows = self._examples(3)
        unlabelled = [row | {"label": -1} for row in rows]
        fakes.write_tfds(
            self.data_dir, "mnist", self._features(),
            {"train": rows, "test": unlabelled},
        )  # fmt: skip
        with self.assertRaisesRegex(UserError, "test.*without a label"):
            self._load("mnist")


if __name__ == "__main__":
    absltest.main()

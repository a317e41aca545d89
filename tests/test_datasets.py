import os
import pathlib
import shutil
import socket
import subprocess
import sys
from unittest import mock

import numpy as np
import tensorflow_datasets as tfds
from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf import datasets
from cifar10_tf.datasets import obtaining, prepared, splits
from cifar10_tf.errors import UserError
from tests import fakes


class DatasetsTestCase(parameterized.TestCase):
    """With a cache and a data directory of its own, and no network."""

    def setUp(self):
        super().setUp()
        self.cache = pathlib.Path(self.create_tempdir("cache").full_path)
        self.data_dir = pathlib.Path(self.create_tempdir("data").full_path)
        self.enter_context(
            mock.patch.dict(
                os.environ,
                fakes.environment(cache=self.cache, data_dir=self.data_dir),
            )
        )


class ResolveTest(DatasetsTestCase):
    def test_auto_is_cifar10_where_it_is_prepared(self):
        fakes.write_cifar10(self.data_dir, 20, 10)
        with self.assertNoLogs("cifar10_tf"):
            self.assertEqual(datasets.resolve("auto", ""), "cifar10")

    def test_auto_falls_back_with_a_warning(self):
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self.assertEqual(datasets.resolve("auto", ""), "synthetic10")
        self.assertIn("NOT CIFAR-10 results", logs.output[0])
        self.assertIn(str(self.data_dir), logs.output[0])

    def test_cifar10_is_strict(self):
        with self.assertRaisesRegex(UserError, "can't be downloaded.*data_dir"):
            datasets.resolve("cifar10", "")

    def test_a_server_that_never_answers_is_no_network(self):
        with (
            mock.patch.dict(os.environ, no_proxy="127.0.0.1"),
            socket.create_server(("127.0.0.1", 0)) as server,
        ):
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            self.assertEqual(
                obtaining._download_failure(url, timeout_sec=0.3),
                "no answer in time",
            )

    def test_a_data_dir_that_cannot_be_written_is_no_place_to_download(self):
        with (
            mock.patch("tempfile.TemporaryFile", side_effect=OSError(30, "No")),
            mock.patch.object(obtaining, "_download_failure") as ask,
            self.assertRaisesRegex(UserError, "can't be written.*--data_dir"),
        ):
            datasets.resolve("cifar10", "")
        ask.assert_not_called()

    def test_a_given_data_dir_wins_over_the_environment(self):
        other = pathlib.Path(self.create_tempdir("other").full_path)
        fakes.write_cifar10(other, 20, 10)
        self.assertEqual(datasets.resolve("cifar10", str(other)), "cifar10")

    def test_an_archive_at_hand_needs_no_network(self):
        manual = self.data_dir / "downloads" / "manual"
        manual.mkdir(parents=True)
        (manual / "cifar-10-binary.tar.gz").touch()
        self.assertEqual(datasets.resolve("cifar10", ""), "cifar10")
        with self.assertRaisesRegex(UserError, "checksum"):
            datasets.load("cifar10", "")


class LoadTest(DatasetsTestCase):
    def test_arrays_are_what_was_prepared(self):
        fakes.write_cifar10(self.data_dir, 30, 20)
        dataset = datasets.load("cifar10", "")
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
        first = datasets.load("cifar10", "")
        with mock.patch.object(prepared, "decode") as decode:
            second = datasets.load("cifar10", "")
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
        datasets.load("cifar10", "")
        shutil.rmtree(directory)
        fakes.write_cifar10(self.data_dir, 40, 20)
        self.assertLen(datasets.load("cifar10", "").train.labels, 40)

    @parameterized.parameters("train_images", "class_names")
    def test_a_damaged_cache_is_named_and_decoded_again(self, name):
        fakes.write_cifar10(self.data_dir, 30, 20)
        first = datasets.load("cifar10", "")
        (path,) = self.cache.rglob(f"{name}.npy")
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            again = datasets.load("cifar10", "")
        self.assertIn(f"{name}.npy has another checksum", logs.output[0])
        self.assertEqual(first.class_names, again.class_names)
        np.testing.assert_array_equal(first.train.images, again.train.images)
        with self.assertNoLogs("cifar10_tf"):
            datasets.load("cifar10", "")

    @parameterized.parameters("", "null", "[]", "{}", '{"sha256": []}')
    def test_a_damaged_manifest(self, text):
        fakes.write_cifar10(self.data_dir, 30, 20)
        datasets.load("cifar10", "")
        (path,) = self.cache.rglob("manifest.json")
        path.write_text(text)
        with self.assertLogs("cifar10_tf", "WARNING"):
            self.assertLen(datasets.load("cifar10", "").train.labels, 30)

    def test_the_lock_is_given_back_though_somebody_keeps_the_warning(self):
        fakes.write_cifar10(self.data_dir, 30, 20)
        datasets.load("cifar10", "")
        (path,) = self.cache.rglob("manifest.json")
        with self.assertLogs("cifar10_tf", "WARNING"):
            for _ in range(2):
                path.write_text("")
                datasets.load("cifar10", "")

    def test_a_cache_that_cannot_be_written_is_done_without(self):
        fakes.write_cifar10(self.data_dir, 30, 20)
        (self.cache / "cifar10_tf").write_text("in the way")
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self.assertLen(datasets.load("cifar10", "").train.labels, 30)
        self.assertIn("not cached", logs.output[0])

    @parameterized.parameters("cifar10", "synthetic10")
    def test_several_processes_at_once(self, name):
        if name == "cifar10":
            fakes.write_cifar10(self.data_dir, 30, 20)
        program = f"""
from cifar10_tf import datasets
from tests import fakes
with fakes.small_synthetic10():
    print(len(datasets.load({name!r}, "").train.labels))
"""
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", program],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(3)
        ]
        for process in processes:
            out, err = process.communicate()
            self.assertEqual(process.returncode, 0, err)
            self.assertIn(out.split()[-1], (b"30", b"1000"))
        self.assertLen(list(self.cache.rglob("manifest.json")), 1)


class DamageTest(DatasetsTestCase):
    def setUp(self):
        super().setUp()
        self.directory = fakes.write_cifar10(self.data_dir, 30, 20)
        (self.shard,) = self.directory.glob("*train.tfrecord*")

    def _assert_refused(self):
        for name in ("auto", "cifar10"):
            with self.assertRaisesRegex(UserError, "are damaged.*prepare"):
                datasets.resolve(name, "")
                datasets.load("cifar10", "")
        self.assertEmpty(list(self.cache.rglob("*.npy")))

    def test_truncated(self):
        self.shard.write_bytes(self.shard.read_bytes()[:-1])
        self._assert_refused()

    def test_missing(self):
        self.shard.unlink()
        self._assert_refused()

    @parameterized.parameters(0, 9, 5000, -1)
    def test_a_flipped_bit(self, place):
        content = bytearray(self.shard.read_bytes())
        content[place] ^= 4
        self.shard.write_bytes(content)
        self._assert_refused()

    def test_damage_anywhere_is_found_before_anything_is_decoded(self):
        (shard,) = self.directory.glob("*test.tfrecord*")
        content = bytearray(shard.read_bytes())
        content[-5] ^= 4
        shard.write_bytes(content)
        with mock.patch.object(prepared, "_decode_split") as decode:
            self._assert_refused()
        decode.assert_not_called()

    @parameterized.product(
        file=["dataset_info.json", "features.json"],
        text=["", "{}", "null", "[]", '{"splits": [1]}'],
    )
    def test_broken_metadata(self, file, text):
        (self.directory / file).write_text(text)
        self._assert_refused()

    def test_unknown_field(self):
        path = self.directory / "dataset_info.json"
        path.write_text(path.read_text().replace('"name"', '"nome"', 1))
        self._assert_refused()

    @parameterized.parameters(
        ("dataset_info.json", '"30"', '"20"', "holds 30 of 20 examples"),
        ("features.json", '"3"', '"1"', "images are .32, 32, 1"),
        ("features.json", '"32"', '"12"', "images are"),
        ("label.labels.txt", "cat", "cap", "classes are"),
        ("label.labels.txt", "cat\ndeer", "deer\ncat", "classes are"),
    )
    def test_metadata_that_would_change_what_is_read(
        self, file, old, new, problem
    ):
        path = self.directory / file
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))
        with self.assertRaisesRegex(UserError, f"damaged.*{problem}"):
            datasets.load("cifar10", "")
        self._assert_refused()

    @parameterized.parameters("", "airplane\nautomobile\n")
    def test_class_names_are_missing(self, text):
        (self.directory / "label.labels.txt").write_text(text)
        self._assert_refused()
        (self.directory / "label.labels.txt").unlink()
        self._assert_refused()


class SplitTrainTest(absltest.TestCase):
    @given(
        st.integers(1, 5),
        st.integers(1, 40),
        st.floats(0, 0.9),
        st.integers(0, 100),
    )
    @settings(deadline=None)
    def test_parts_are_disjoint_and_balanced(
        self, num_classes, per_class, fraction, most
    ):
        labels = np.repeat(np.arange(num_classes), per_class)
        try:
            train, validation = splits.split_train(labels, fraction, most)
        except ValueError:
            self.assertEqual(round(len(labels) * fraction), len(labels))
            return
        self.assertEmpty(set(train) & set(validation))
        for part in (train, validation):
            self.assertTrue((np.diff(part) > 0).all())
            counts = np.bincount(labels[part], minlength=num_classes)
            self.assertLessEqual(np.ptp(counts), 1)
        if most:
            self.assertLessEqual(len(train), most)
        else:
            self.assertLen(validation, round(len(labels) * fraction))
            self.assertLen(train, len(labels) - len(validation))

    @given(
        st.lists(st.integers(1, 60), min_size=2, max_size=6),
        st.floats(0, 0.7),
    )
    @settings(deadline=None)
    def test_classes_of_any_size_keep_their_shares(self, sizes, fraction):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        train, validation = splits.split_train(labels, fraction)
        self.assertLen(validation, round(len(labels) * fraction))
        held_out = np.bincount(labels[validation], minlength=len(sizes))
        # There is one share of which each class holds out the floor.
        self.assertLessEqual(
            (held_out / sizes).max(), ((held_out + 1) / sizes).min()
        )
        if len(train) >= len(sizes):
            self.assertLen(np.unique(labels[train]), len(sizes))

    def test_fewer_examples_are_part_of_all(self):
        labels = np.repeat(np.arange(10), 50)
        train, validation = splits.split_train(labels, 0.3)
        few_train, few_validation = splits.split_train(labels, 0.3, 35)
        self.assertLen(few_train, 35)
        self.assertLen(few_validation, 15)
        self.assertContainsSubset(few_train, train)
        self.assertContainsSubset(few_validation, validation)

    def test_held_out_examples_come_from_everywhere(self):
        labels = np.zeros(1000, np.int64)
        _, validation = splits.split_train(labels, 0.3)
        self.assertBetween(np.median(validation), 400, 600)

    def test_nothing_left_to_train_on(self):
        with self.assertRaisesRegex(ValueError, "0.99"):
            splits.split_train(np.arange(10), 0.99)


class OtherDatasetsTest(DatasetsTestCase):
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
        return datasets.load(datasets.resolve(name, ""), "")

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

    def test_a_config(self):
        self._write("eurosat/rgb")
        for name in ("eurosat/rgb", "eurosat"):
            self.assertEqual(datasets.resolve(name, ""), "eurosat/rgb")
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
            datasets.resolve("mnist", "")

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
            prepared.feature_names(info)

    def test_truncated(self):
        directory = self._write("mnist")
        (shard,) = directory.glob("*test.tfrecord*")
        shard.write_bytes(shard.read_bytes()[:-1])
        with self.assertRaisesRegex(UserError, "are damaged.*mnist-test"):
            datasets.resolve("mnist", "")

    def test_a_split_without_labels(self):
        rows = self._examples(3)
        unlabelled = [row | {"label": -1} for row in rows]
        fakes.write_tfds(
            self.data_dir, "mnist", self._features(),
            {"train": rows, "test": unlabelled},
        )  # fmt: skip
        with self.assertRaisesRegex(UserError, "test.*without a label"):
            self._load("mnist")

    @parameterized.parameters("cifar_10", "CIFAR10", "cifar-10")
    def test_a_typing_error(self, name):
        with self.assertRaisesRegex(UserError, "did you mean.*cifar10"):
            datasets.resolve(name, "")

    @parameterized.parameters(
        ("cifar100", "CIFAR-100 is not prepared.*cifar-100-binary.tar.gz into"),
        ("mnist", "mnist is not prepared.*can't be downloaded"),
        ("cifar10/red", "no config 'red'.*leave it out"),
        ("eurosat/rbg", "no config 'rbg'; choose from rgb"),
    )
    def test_what_cannot_be_had(self, name, message):
        with self.assertRaisesRegex(UserError, message):
            datasets.resolve(name, "")

    def test_a_dataset_without_images_is_refused_before_a_download(self):
        with self.assertRaisesRegex(UserError, "no dataset of labelled images"):
            datasets.load("imdb_reviews/plain_text", "")
        self.assertFalse((self.data_dir / "downloads").exists())

    def test_all_archives_at_hand_need_no_network(self):
        manual = self.data_dir / "downloads" / "manual"
        manual.mkdir(parents=True)
        (manual / "test_32x32.mat").touch()
        with mock.patch.object(obtaining, "_download_failure") as ask:
            ask.return_value = "no network"
            with self.assertRaisesRegex(UserError, "extra_32x32.mat"):
                datasets.resolve("svhn_cropped", "")
            for name in ("train", "extra"):
                (manual / f"{name}_32x32.mat").touch()
            ask.reset_mock()
            datasets.resolve("svhn_cropped", "")
        ask.assert_not_called()


_REAL_DATA_DIR = os.environ.get("TFDS_DATA_DIR", "")


@absltest.skipUnless(
    _REAL_DATA_DIR and os.path.isdir(f"{_REAL_DATA_DIR}/cifar10"),
    "needs CIFAR-10 in TFDS_DATA_DIR",
)
class RealDataTest(DatasetsTestCase):
    def test_cifar10(self):
        dataset = datasets.load("cifar10", _REAL_DATA_DIR)
        self.assertEqual(dataset.train.images.shape, (50_000, 32, 32, 3))
        self.assertEqual(dataset.test.images.shape, (10_000, 32, 32, 3))
        for labels, count in (
            (dataset.train.labels, 5000),
            (dataset.test.labels, 1000),
        ):
            np.testing.assert_array_equal(np.bincount(labels), [count] * 10)
        self.assertEqual(dataset.class_names[0], "airplane")
        train, validation = splits.split_train(dataset.train.labels, 0.3)
        np.testing.assert_array_equal(
            np.bincount(dataset.train.labels[validation]), [1500] * 10
        )
        self.assertLen(train, 35_000)


if __name__ == "__main__":
    absltest.main()

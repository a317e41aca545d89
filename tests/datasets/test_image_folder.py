import os
import pathlib
import warnings
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from cifar10_tf.datasets import image_files, image_folder
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.system.errors import UserError
from tests import cases, fakes


class ImageFolderTest(cases.MachineTestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir("pets").full_path)
        self.name = f"folder:{self.root}"

    def _write(self, **more):
        sizes = {"train/dog": 3, "train/cat": 2, "test/cat": 1, "test/dog": 1}
        fakes.write_folder(self.root, sizes | more)

    def test_arrays(self):
        self._write()
        (self.root / "train" / "cat" / ".DS_Store").write_text("hidden")
        (self.root / "train" / "cat" / "Thumbs.db").write_text("hidden")
        (self.root / "train" / ".git").mkdir()
        (self.root / "train" / "README.txt").write_text("not in a class")
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            dataset = load_dataset(self.name, "")
        (warning,) = logs.output
        self.assertIn("left out: 1, the first README.txt; put", warning)
        self.assertEqual(dataset.class_names, ("cat", "dog"))
        self.assertEqual(dataset.source, str(self.root))
        self.assertEqual(dataset.train.labels.tolist(), [0, 1, 0, 1, 1])
        self.assertEqual(dataset.test.labels.tolist(), [0, 1])
        for i, path in enumerate(["cat/0", "dog/0", "cat/1", "dog/1"]):
            np.testing.assert_array_equal(
                dataset.train.images[i],
                image_files.read(self.root / "train" / f"{path}.png"),
            )

    def test_a_test_split_with_some_of_the_classes(self):
        fakes.write_folder(
            self.root, {"train/cat": 2, "train/dog": 2, "test/dog": 1}
        )
        self.assertEqual(load_dataset(self.name, "").test.labels.tolist(), [1])

    def test_a_second_start_decodes_nothing(self):
        self._write()
        first = load_dataset(self.name, "")
        (self.root / "runs").mkdir()
        (self.root / "runs" / "notes.txt").write_text("not of the data")
        with mock.patch.object(image_folder, "decode") as decode:
            second = load_dataset(self.name, "")
        decode.assert_not_called()
        np.testing.assert_array_equal(first.train.images, second.train.images)
        self.assertIsInstance(second.train.images, np.memmap)

    def test_a_changed_or_renamed_file_is_decoded_anew(self):
        self._write()
        first = load_dataset(self.name, "")
        cat, dog = (self.root / "train" / n / "0.png" for n in ("cat", "dog"))
        times = os.stat(cat)
        cat.write_bytes(dog.read_bytes())
        os.utime(cat, ns=(times.st_atime_ns, times.st_mtime_ns))
        second = load_dataset(self.name, "")
        self.assertFalse(
            np.array_equal(first.train.images[0], second.train.images[0])
        )
        cat.rename(dog.with_name("9.png"))
        third = load_dataset(self.name, "")
        self.assertEqual(third.train.labels.tolist(), [0, 1, 1, 1, 1])

    def test_a_renamed_class_is_named_anew(self):
        self._write()
        load_dataset(self.name, "")
        for split in ("train", "test"):
            (self.root / split / "cat").rename(self.root / split / "bat")
        self.assertEqual(
            load_dataset(self.name, "").class_names, ("bat", "dog")
        )

    def test_every_broken_file_is_named(self):
        self._write()
        broken = {
            "train/cat/note.txt": b"hello",
            "train/dog/empty.png": b"",
            "train/dog/half.png": (
                self.root / "train" / "dog" / "0.png"
            ).read_bytes()[:-200],
            "test/dog/x.jpg": b"\xff\xd8\xff",
        }
        for name, content in broken.items():
            (self.root / name).write_bytes(content)
        (self.root / "test" / "cat" / "deeper").mkdir()
        os.symlink("nowhere", self.root / "test" / "cat" / "link.png")
        with self.assertRaises(UserError) as caught:
            load_dataset(self.name, "")
        first, *lines = str(caught.exception).splitlines()
        self.assertStartsWith(first, f"6 of the files in {self.root}")
        self.assertCountEqual(
            [line.partition(":")[0].strip() for line in lines],
            [*broken, "test/cat/deeper", "test/cat/link.png"],
        )
        self.assertEmpty(list(self.cache.rglob("*.npy")))

    def test_more_files_than_a_chunk(self):
        with mock.patch.object(image_files, "_CHUNK", 2):
            self._write()
            (self.root / "train" / "dog" / "0.png").write_text("broken")
            (self.root / "train" / "dog" / "2.png").write_text("broken")
            with self.assertRaisesRegex(UserError, "(?s)dog/0.png.*dog/2.png"):
                load_dataset(self.name, "")

    @parameterized.parameters(
        ({}, "no directory train"),
        ({"train/cat": 1, "train/dog": 1}, "no directory test"),
        ({"train/cat": 1, "test/cat": 1}, "fewer than two class"),
        (
            {"train/cat": 1, "train/dog": 0, "train/emu": 0, "test/cat": 1},
            "empty class directories in train: dog, emu",
        ),
        ({"train/cat": 1, "train/dog": 1, "test/cat": 0}, "no images in test"),
        (
            {"train/cat": 1, "train/dog": 1, "test/cat": 1, "test/cow": 1},
            "test that train lacks: cow",
        ),
        (
            {"train/cat": 1, "train/d\nog": 1, "test/cat": 1},
            r"printable name: 'd\\nog'",
        ),
    )
    def test_not_as_it_should_be(self, sizes, problem):
        fakes.write_folder(self.root, sizes)
        with self.assertRaisesRegex(UserError, f"{problem}.*PATH/train/CLASS"):
            resolve_dataset(self.name, "")

    def test_of_odd_metadata_nothing_is_said(self):
        self._write()
        path = self.root / "train" / "cat" / "0.png"
        image = Image.open(path)
        image.save(path, "JPEG", exif=fakes.ODD_EXIF)
        listing = image_folder.find(self.root)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            image_files.read(path)
            self.assertLen(caught, 1)  # without it
            image_folder.decode(listing)
            self.assertLen(caught, 1)

    def test_it_says_how_far_it_is(self):
        self._write()
        with (
            mock.patch.object(image_files, "_CHUNK", 2),
            fakes.talkative_progress(image_folder) as text,
        ):
            image_folder.decode(image_folder.find(self.root))
        self.assertIn("Images decoded: 2 of 5, ", text.getvalue())


if __name__ == "__main__":
    absltest.main()

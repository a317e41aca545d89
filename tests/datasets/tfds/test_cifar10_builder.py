import hashlib
import pathlib
import tarfile
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import absltest
from tensorflow_datasets.core.download import checksums
from tensorflow_datasets.image_classification import cifar

from cifar10_tf.datasets import official_archives
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import preparation
from tests import cases, fakes

_ROWS = 20


class Cifar10Test(cases.MachineTestCase):
    """With look-alikes of the published files in `root`."""

    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir("root").full_path)
        fakes.write_published(self.root, _ROWS)

    def _published(self):
        return fakes.published_in(self.root, _ROWS)

    def _examples(self, directory):
        (name,) = (path.name for path in directory.glob("*train.tfrecord*"))
        # Parsed: the order of an example's features is another in each process.
        return [
            tf.train.Example.FromString(record.numpy())
            for record in tf.data.TFRecordDataset(str(directory / name))
        ]

    def test_the_same_examples_as_tfds_makes_of_its_download(self):
        downloaded = self.data_dir / "downloaded"
        manual = downloaded / "downloads" / "manual"
        manual.mkdir(parents=True)
        directory = self.root / "cifar-10-batches-bin"
        (directory / "batches.meta.txt").write_text(
            "".join(f"{name}\n" for name in official_archives.CLASS_NAMES)
        )
        archive = manual / "cifar-10-binary.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(directory, directory.name)
        (url,) = cifar.Cifar10.url_infos
        info = checksums.UrlInfo(
            size=archive.stat().st_size,
            checksum=hashlib.sha256(archive.read_bytes()).hexdigest(),
            filename=archive.name,
        )
        with mock.patch.object(cifar.Cifar10, "url_infos", {url: info}):
            theirs = preparation.prepare("cifar10", str(downloaded))
        with self._published():
            ours = preparation.prepare("cifar10", "", directory)
        self.assertEqual(self._examples(ours), self._examples(theirs))
        for name in ("features.json", "label.labels.txt"):
            self.assertEqual(
                (ours / name).read_text(), (theirs / name).read_text()
            )
        self.assertEqual(ours.name, theirs.name)

    def test_interrupted(self):
        source = self.root / "cifar-10-batches-py"
        with self._published():
            with (
                mock.patch.object(
                    tfds.core.DatasetInfo,
                    "write_to_directory",
                    side_effect=KeyboardInterrupt,
                ),
                self.assertRaises(KeyboardInterrupt),
            ):
                load_dataset("cifar10", "", source)
            self.assertEqual(
                resolve_dataset("auto", str(self.data_dir)), "synthetic10"
            )
            dataset = load_dataset("cifar10", "", source)
        self.assertLen(dataset.train.labels, 5 * _ROWS)

    def test_killed(self):
        directory = fakes.write_cifar10(self.data_dir, 30, 20)
        directory.rename(directory.with_name("incomplete.A1B2C3_3.0.2"))
        self.assertEqual(resolve_dataset("auto", ""), "synthetic10")

    def test_what_is_prepared_is_kept(self):
        directory = fakes.write_cifar10(self.data_dir, 30, 20)
        with self.assertLogs("cifar10_tf", "INFO") as logs:
            found = preparation.prepare("cifar10", "", self.root)
        self.assertEqual(found, directory)
        self.assertIn("not read", logs.output[0])


if __name__ == "__main__":
    absltest.main()

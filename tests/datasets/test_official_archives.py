import io
import os
import pathlib
import pickle
import shutil
import tarfile
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest, parameterized
from tensorflow_datasets.image_classification import cifar

from cifar10_tf.datasets import official_archives
from cifar10_tf.system.errors import UserError
from tests import fakes

_ROWS = 20
_FILES = tuple(
    name
    for form in official_archives.FORMS
    for name in (form.archive, form.directory)
)


class PublishedTestCase(parameterized.TestCase):
    """With look-alikes of the published files in `root`."""

    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir().full_path)
        fakes.write_published(self.root, _ROWS)

    def published(self):
        return fakes.published_in(self.root, _ROWS)

    def read(self, *parts):
        with self.published():
            return official_archives.read(
                official_archives.find(self.root.joinpath(*parts))
            )

    def assert_refused(self, *parts, because):
        with self.assertRaisesRegex(UserError, because) as caught:
            self.read(*parts)
        self.assertIn(str(self.root), str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


class FormsTest(absltest.TestCase):
    """The checksums are those that others publish."""

    def test_tfds_has_that_of_the_binary_archive(self):
        (info,) = cifar.Cifar10.url_infos.values()
        _, binary = official_archives.FORMS
        self.assertEqual(info.filename, binary.archive)
        self.assertEqual(info.checksum, binary.archive_sha256)

    def test_keras_has_that_of_the_python_archive(self):
        path = pathlib.Path(keras.__file__).parent / "src/datasets/cifar10.py"
        python, _ = official_archives.FORMS
        self.assertIn(f'"{python.archive_sha256}"', path.read_text())

    def test_digests_have_their_lengths(self):
        for form, length in zip(official_archives.FORMS, (32, 40), strict=True):
            self.assertLen(form.digests, 6)
            self.assertLen(set(form.digests.values()), 6)
            for digest in form.digests.values():
                self.assertRegex(digest, f"^[0-9a-f]{{{length}}}$")


class ReadTest(PublishedTestCase):
    @parameterized.parameters(*_FILES)
    def test_examples_in_the_published_order(self, name):
        splits = self.read(name)
        drawn = [fakes.synthetic10.draw(seed, _ROWS) for seed in range(6)]
        for split, batches in (("train", drawn[:5]), ("test", drawn[5:])):
            images, labels = zip(*batches, strict=True)
            np.testing.assert_array_equal(
                splits[split][0], np.concatenate(images)
            )
            np.testing.assert_array_equal(
                splits[split][1], np.concatenate(labels)
            )
            self.assertEqual(splits[split][0].dtype, np.uint8)

    def test_keras_and_torchvision_directories(self):
        target = self.root / "keras" / "cifar-10-batches-py-target"
        target.mkdir(parents=True)
        shutil.copytree(
            self.root / "cifar-10-batches-py", target / "cifar-10-batches-py"
        )
        (target.parent / "cifar-10-batches-py-target_archive").hardlink_to(
            self.root / "cifar-10-python.tar.gz"
        )
        for parts in (
            ["keras"],
            ["keras", "cifar-10-batches-py-target"],
            ["keras", "cifar-10-batches-py-target_archive"],
            [],
        ):
            self.assertLen(self.read(*parts)["test"][1], _ROWS)

    def test_a_directory_with_an_archive(self):
        for form in official_archives.FORMS:
            directory = self.root / "downloads" / form.archive[:-7]
            directory.mkdir(parents=True)
            archive = directory / form.archive
            archive.hardlink_to(self.root / form.archive)
            self.assertEqual(official_archives.find(str(directory)), archive)

    def test_nothing_there(self):
        (self.root / "empty").mkdir()
        for name, problem in (
            ("empty", "holds no CIFAR-10.*cifar-10-python.tar.gz or"),
            ("nowhere", "does not exist.*cifar-10-batches-bin"),
        ):
            self.assert_refused(name, because=problem)

    def test_another_archive(self):
        (self.root / "other.zip").write_bytes(b"PK")
        self.assert_refused(
            "other.zip", because="cifar-10-python.tar.gz has [0-9a-f]{64}"
        )

    @parameterized.parameters("-py/data_batch_3", "-bin/test_batch.bin")
    def test_another_or_no_batch_file(self, name):
        with self.published():  # whose checksums are taken here
            path = self.root / f"cifar-10-batches{name}"
            path.write_bytes(path.read_bytes()[:-1])
            for problem in ("not the published file", "can't be read"):
                with self.assertRaisesRegex(UserError, f"{path} .*{problem}"):
                    official_archives.read(official_archives.find(path.parent))
                path.unlink(missing_ok=True)


class HostileTest(PublishedTestCase):
    """Files whose checksums are right, as if those had been forged."""

    def _replace(self, name, content):
        (self.root / name).write_bytes(content)

    @parameterized.parameters(os.system, eval, np.load, pickle.loads)
    def test_a_pickle_that_calls(self, function):
        class Call:
            def __reduce__(self):
                return function, ("nothing",)

        self._replace(
            "cifar-10-batches-py/data_batch_2", pickle.dumps(Call(), protocol=2)
        )
        self.assert_refused(
            "cifar-10-batches-py",
            because=f"data_batch_2 .*refers to .*{function.__name__}",
        )

    @parameterized.parameters(b"", b"}", b"]", b"N", b"}(U\x04data](K\x01eu")
    def test_a_pickle_of_something_else(self, content):
        self._replace(
            "cifar-10-batches-py/data_batch_2", b"\x80\x02" + content + b"."
        )
        self.assert_refused("cifar-10-batches-py", because="holds no batch")

    def test_a_label_out_of_range(self):
        self._replace(
            "cifar-10-batches-bin/test_batch.bin",
            (b"\x0a" + bytes(3072)) * _ROWS,
        )
        self.assert_refused(
            "cifar-10-batches-bin", because="labels out of range"
        )

    def test_wrong_row_counts(self):
        for name in _FILES:
            with (
                self.published(),
                mock.patch.object(official_archives, "_ROWS", _ROWS - 1),
                self.assertRaisesRegex(UserError, "holds no batch.*20, 3072"),
            ):
                official_archives.read(official_archives.find(self.root / name))

    def _write_archive(self, *members):
        with tarfile.open(self.root / "cifar-10-binary.tar.gz", "w:gz") as tar:
            for name, kind, content in members:
                member = tarfile.TarInfo(name)
                member.type = kind
                if kind == tarfile.REGTYPE:
                    member.size = len(content)
                else:
                    member.linkname = content
                tar.addfile(member, io.BytesIO(content.encode()))

    def test_members_that_are_elsewhere_or_links(self):
        secret = self.root / "secret"
        secret.write_bytes(bytes(3073 * _ROWS))
        files = list(official_archives.FORMS[1].digests)
        for name, kind, content in (
            ("../{}", tarfile.REGTYPE, "evil"),
            ("/tmp/{}", tarfile.REGTYPE, "evil"),
            ("cifar-10-batches-bin/../{}", tarfile.REGTYPE, "evil"),
            ("cifar-10-batches-bin/{}", tarfile.SYMTYPE, str(secret)),
            ("cifar-10-batches-bin/{}", tarfile.LNKTYPE, str(secret)),
            ("cifar-10-batches-bin/{}", tarfile.DIRTYPE, ""),
        ):
            self._write_archive(
                *((name.format(f), kind, content) for f in files)
            )
            before = sorted(self.root.parent.rglob("*"))
            self.assert_refused(
                "cifar-10-binary.tar.gz", because="lacks the file cifar-10-"
            )
            self.assertEqual(sorted(self.root.parent.rglob("*")), before)

    @parameterized.parameters(0.0, 0.3, 0.9)
    def test_a_truncated_archive(self, share):
        path = self.root / "cifar-10-python.tar.gz"
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        self.assert_refused(path.name, because="can't be unpacked")


if __name__ == "__main__":
    absltest.main()

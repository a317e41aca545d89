import os
import pathlib
from unittest import mock

from absl.testing import absltest

from cifar10_tf.system import atomic_files


class FilesTestCase(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)


class CheckWritableTest(FilesTestCase):
    def test_what_can_be_written_or_made_is_left_as_it_was(self):
        for path in (self.directory, self.directory / "deep" / "below"):
            atomic_files.check_writable(path)
            self.assertEmpty(os.listdir(self.directory))

    def test_a_file_in_the_way(self):
        path = self.directory / "file"
        path.write_text("precious")
        for path_or_below in (path, path / "below"):
            with self.assertRaises(NotADirectoryError):
                atomic_files.check_writable(path_or_below)
        self.assertEqual(path.read_text(), "precious")

    @absltest.skipUnless(os.path.isdir("/proc/self"), "needs Linux")
    def test_where_roots_permissions_do_not_help(self):
        with self.assertRaises(OSError):
            atomic_files.check_writable(pathlib.Path("/proc/self/run"))

    def test_it_tries(self):
        error = OSError(30, "Read-only file system")
        with (
            mock.patch("tempfile.TemporaryFile", side_effect=error),
            self.assertRaisesRegex(OSError, "Read-only"),
        ):
            atomic_files.check_writable(self.directory / "deep")


class ReplacingTest(FilesTestCase):
    def test_all_or_nothing(self):
        path = self.directory / "file.txt"
        with atomic_files.replacing(path) as aside:
            aside.write_text("old")
        with (
            self.assertRaises(RuntimeError),
            atomic_files.replacing(path) as aside,
        ):
            aside.write_text("half of the ne")
            raise RuntimeError
        self.assertEqual(path.read_text(), "old")
        self.assertEqual(os.listdir(path.parent), ["file.txt"])

    def test_nothing_is_written_through_a_link(self):
        precious = self.directory / "precious"
        precious.write_text("as it was")
        (self.directory / ".new-file").symlink_to(precious)
        with atomic_files.replacing(self.directory / "file") as aside:
            aside.write_text("new")
        self.assertEqual(precious.read_text(), "as it was")
        self.assertEqual((self.directory / "file").read_text(), "new")

    def test_an_error_names_the_file(self):
        error = OSError(28, "No space left on device")
        path = self.directory / "file"
        with (
            self.assertRaisesRegex(OSError, "left on device: '.*/file'"),
            atomic_files.replacing(path),
        ):
            raise error
        with (
            mock.patch("os.fsync", side_effect=OSError(28, "No space left")),
            self.assertRaisesRegex(OSError, "No space left: '.*/file'"),
        ):
            atomic_files.append(path, "line")


class ReplacingDirectoryTest(FilesTestCase):
    def _write(self, path, text):
        with atomic_files.replacing_directory(path) as aside:
            self.assertFalse(aside.exists())
            aside.mkdir()
            (aside / "file.txt").write_text(text)

    def test_all_or_nothing(self):
        path = self.directory / "model"
        for text in "old", "new":
            self._write(path, text)
            self.assertEqual((path / "file.txt").read_text(), text)
        with (
            self.assertRaises(RuntimeError),
            atomic_files.replacing_directory(path) as aside,
        ):
            aside.mkdir()
            raise RuntimeError
        self.assertEqual((path / "file.txt").read_text(), "new")
        self.assertEqual(os.listdir(self.directory), ["model"])

    def test_what_a_killed_process_has_left(self):
        path = self.directory / "model"
        for name in ".new-model", ".old-model":
            (self.directory / name).mkdir()
            (self.directory / name / "half").touch()
        self._write(path, "new")
        self.assertEqual(os.listdir(self.directory), ["model"])

    def test_nothing_is_written_through_a_link(self):
        precious = self.directory / "precious"
        precious.mkdir()
        (precious / "file.txt").write_text("as it was")
        path = self.directory / "model"
        for name in "model", ".new-model", ".old-model":
            (self.directory / name).symlink_to(precious)
        self._write(path, "new")
        self.assertFalse(path.is_symlink())
        self.assertEqual((precious / "file.txt").read_text(), "as it was")
        self.assertCountEqual(os.listdir(self.directory), ["model", "precious"])


if __name__ == "__main__":
    absltest.main()

import contextlib
import io
import os
from unittest import mock

from absl.testing import absltest, flagsaver

from cifar10_tf.cli.commands import prepare
from cifar10_tf.system.errors import UserError
from tests import cases, fakes

_ROWS = 20


class PrepareTest(cases.CommandTestCase):
    def test_a_folder(self):
        sizes = {"train/dog": 3, "train/cat": 2, "test/cat": 1}
        pets = fakes.write_folder(self.directory / "my pets", sizes)
        result = self.run_heavy("prepare", "--dataset=folder:my pets")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("5 training and 1 test images", result.stdout)
        self.assertIn(f"images in {pets}\n", result.stdout)
        self.assertLen(list(self.cache.rglob("manifest.json")), 1)

    def test_a_directory_that_is_prepared(self):
        version = fakes.write_cifar10(self.data_dir, 20, 10)
        for path in version, version.parent, version.parent.parent:
            result = self.run_light("prepare", path)
            self.assert_error(
                result, "prepared CIFAR-10", f"--data_dir={self.data_dir},"
            )

    def test_a_substitute_has_a_status_of_its_own(self):
        fakes.write_synthetic10(self.cache / "cifar10_tf/tensorflow_datasets")
        for dataset, status in ("auto", 69), ("synthetic10", 0):
            result = self.run_heavy("prepare", f"--dataset={dataset}")
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertIn("synthetic10 is ready", result.stdout)

    def _prepare(self, path):
        """Returns what is printed last of preparing look-alikes."""
        output = io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment),
            fakes.published_in(self.directory, _ROWS),
            flagsaver.flagsaver(data_dir=str(self.data_dir)),
            contextlib.redirect_stdout(output),
        ):
            prepare.run(str(path))
        return output.getvalue().splitlines()[-1]  # others are TFDS's

    def test_published_files(self):
        fakes.write_published(self.directory, _ROWS)
        self.assertEqual(
            self._prepare(self.directory / "cifar-10-binary.tar.gz"),
            "cifar10 is ready: 100 training and 20 test images in "
            f"{self.data_dir / 'cifar10' / '3.0.2'}",
        )

    def test_published_files_beside_what_was_prepared_from_them(self):
        fakes.write_published(self.directory, _ROWS)
        self.data_dir = self.directory
        for _ in range(2):
            for name in "cifar-10-binary.tar.gz", "cifar-10-batches-py", "":
                self.assertIn(
                    "cifar10 is ready", self._prepare(self.directory / name)
                )

    def test_another_file_where_all_is_prepared_already(self):
        fakes.write_published(self.directory, _ROWS)
        fakes.write_cifar10(self.data_dir, 20, 10)
        (self.directory / "mine.txt").write_text("precious")
        with self.assertRaisesRegex(
            UserError, "mine.txt is damaged, or another.*tar.gz"
        ):
            self._prepare(self.directory / "mine.txt")
        self._prepare(self.directory / "cifar-10-binary.tar.gz")


if __name__ == "__main__":
    absltest.main()

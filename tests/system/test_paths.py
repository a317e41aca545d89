import os
import pathlib
from unittest import mock

from absl.testing import absltest

from cifar10_tf.datasets import names, official_archives
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

_NOBODYS = "~no.such.user/x"


class AbsoluteTest(absltest.TestCase):
    def test_home(self):
        with mock.patch.dict(os.environ, {"HOME": "/home/me"}):
            self.assertEqual(paths.absolute("~/x"), pathlib.Path("/home/me/x"))
        self.assertEqual(
            paths.absolute(f"./{_NOBODYS}"), pathlib.Path.cwd() / _NOBODYS
        )

    def test_a_user_that_is_not_there_is_a_mistake_everywhere(self):
        for read in (
            paths.absolute,
            RunDirectory,
            StudyDirectory,
            official_archives.find,
            lambda path: names.folder(f"folder:{path}"),
            lambda path: prepared_files.data_root("cifar10", path),
        ):
            with self.assertRaisesRegex(
                UserError, f"no.such.user is known; .* ./{_NOBODYS}"
            ):
                read(_NOBODYS)


class KeptTest(absltest.TestCase):
    def test_the_first_that_is_free(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "a.b"
        for number in 1, 2:
            self.assertEqual(paths.kept(path), path.parent / f"a.b.{number}")
            paths.kept(path).symlink_to("nowhere")


if __name__ == "__main__":
    absltest.main()

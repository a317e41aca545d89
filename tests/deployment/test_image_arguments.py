import io
import os
import pathlib
import sys
from unittest import mock

from absl.testing import absltest

from cifar10_tf.deployment import image_arguments
from cifar10_tf.deployment.image_arguments import Failure, ImageFile


class FindTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)
        here = os.getcwd()
        os.chdir(self.directory)
        self.addCleanup(os.chdir, here)
        for name in (
            "b.png", "a.png", "deep/er/z.jpg", "deep/c.png", "deep/.hidden",
            ".git/x.png", "line\nbreak.png", "[1].png",
        ):  # fmt: skip
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def _names(self, *arguments):
        return [found.name for found in image_arguments.find(arguments)]

    def test_files_are_in_the_order_of_their_arguments(self):
        self.assertEqual(
            self._names("b.png", "a.png", "b.png"), ["b.png", "a.png", "b.png"]
        )

    def test_folders_are_looked_through_but_for_what_is_hidden(self):
        self.assertEqual(self._names("deep"), ["deep/c.png", "deep/er/z.jpg"])
        self.assertEqual(
            self._names("."),
            ["[1].png", "a.png", "b.png", "line\nbreak.png", "deep/c.png",
             "deep/er/z.jpg"],
        )  # fmt: skip

    def test_patterns(self):
        self.assertEqual(self._names("?.png"), ["a.png", "b.png"])
        self.assertEqual(self._names("**/z.jpg"), ["deep/er/z.jpg"])
        # A file of such a name is meant, not what it would stand for.
        self.assertEqual(self._names("[1].png"), ["[1].png"])

    def test_folders_that_match_a_pattern(self):
        # All that a folder has, and nothing twice.
        self.assertEqual(self._names("**/er"), ["deep/er/z.jpg"])
        below = ["deep/c.png", "deep/er/z.jpg"]
        for pattern in "d*", "deep/**", "**/d*", "./deep/**":
            names = [name.removeprefix("./") for name in self._names(pattern)]
            self.assertEqual(names, below, pattern)
        self.assertCountEqual(
            self._names("**/*"),
            ["[1].png", "a.png", "b.png", "line\nbreak.png", *below],
        )

    def test_a_folder_that_cant_be_read_has_the_name_that_was_given(self):
        def scandir(path):
            if str(path).endswith("er"):
                raise PermissionError(13, "Permission denied", path)
            return listed(path)

        listed = os.scandir
        for name, shown in ("deep", "deep/er"), ("deep/er", "deep/er"):
            with mock.patch.object(os, "scandir", scandir):
                *_, last = image_arguments.find([name])
            self.assertEqual(last, Failure(shown, "Permission denied"))

    def test_paths_lead_to_the_files(self):
        for found in image_arguments.find([".", "a.png", "*.png"]):
            self.assertTrue(os.path.isfile(found.file), found)

    def test_what_is_not_there_is_a_failure(self):
        (self.directory / "nothing").mkdir()
        found = list(
            image_arguments.find(["*.gif", "nothing", "~no.such.user/x.png"])
        )
        for failure, part in zip(
            found, ("no file", "without files", "no home"), strict=True
        ):
            self.assertIsInstance(failure, Failure)
            self.assertIn(part, failure.error)
        # Opening it says so.
        self.assertIsInstance(
            next(image_arguments.find(["gone.png"])), ImageFile
        )

    def test_links_do_not_lead_in_circles(self):
        (self.directory / "deep/loop").symlink_to(self.directory)
        self.assertLen(self._names("deep"), 2)

    def test_standard_input(self):
        stdin = mock.Mock(buffer=io.BytesIO(b"an image"))
        with mock.patch.object(sys, "stdin", stdin):
            (found,) = image_arguments.find(["-"])
        self.assertEqual(found.name, "-")
        self.assertEqual(found.file.read(), b"an image")

    def test_standard_input_has_a_limit(self):
        stdin = mock.Mock(buffer=io.BytesIO(b"four"))
        with (
            mock.patch.object(sys, "stdin", stdin),
            mock.patch.object(image_arguments, "_MAX_BYTES", 3),
        ):
            (found,) = image_arguments.find(["-"])
        self.assertIn("more than 3 bytes", found.error)


if __name__ == "__main__":
    absltest.main()

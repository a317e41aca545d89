"""That the package stays a house in which things are found."""

import pathlib

from absl.testing import absltest

import cifar10_tf

_PACKAGE = pathlib.Path(cifar10_tf.__file__).parent


class LayoutTest(absltest.TestCase):
    def test_no_file_is_too_long(self):
        for path in _PACKAGE.rglob("*.py"):
            num_lines = len(path.read_text("utf-8").splitlines())
            self.assertLessEqual(num_lines, 300, path)

    def test_no_folder_is_too_full(self):
        for folder in [_PACKAGE, *_PACKAGE.rglob("*/")]:
            self.assertLessEqual(len(list(folder.glob("*.py"))), 12, folder)

    def test_the_root_has_a_face_and_folders_only(self):
        names = {path.name for path in _PACKAGE.glob("*.py")}
        self.assertEqual(names, {"__init__.py", "api.py", "main.py"})

    def test_every_folder_and_module_says_what_it_is(self):
        for path in _PACKAGE.rglob("*.py"):
            self.assertStartsWith(path.read_text("utf-8"), '"""', path)


if __name__ == "__main__":
    absltest.main()

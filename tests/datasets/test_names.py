import contextlib
import pathlib

from absl.testing import absltest, parameterized

from cifar10_tf.datasets import names


class NamesTest(parameterized.TestCase):
    @parameterized.parameters(
        ("cifar10", "CIFAR-10", "cifar10"),
        ("synthetic10", "synthetic10 (not CIFAR-10)", "synthetic10"),
        ("eurosat/rgb", "eurosat/rgb", "eurosat-rgb"),
        ("folder:/data/my cats", "folder my cats", "folder-my-cats"),
        ("folder:/", "folder /", "folder-"),
    )
    def test_title_and_slug(self, name, title, slug):
        self.assertEqual(names.title(name), title)
        self.assertEqual(names.slug(name), slug)

    def test_one_folder_has_one_name(self):
        here = pathlib.Path(self.create_tempdir().full_path)
        (here / "my" / "deep").mkdir(parents=True)
        (here / "link").symlink_to(here / "my" / "deep")
        with contextlib.chdir(here / "my"):
            for path in ".", "../my", "deep/..", f"{here}/gone/../my/":
                self.assertEqual(names.folder(f"folder:{path}"), here / "my")
        for path in "link", "link/../deep":  # as the user named it
            self.assertEqual(names.folder(f"folder:{here}/{path}"), here / path)


if __name__ == "__main__":
    absltest.main()

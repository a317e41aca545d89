import pathlib
import shlex
import sys
from unittest import mock

from absl.testing import absltest

from cifar10_tf.settings import extras


class InstallCommandTest(absltest.TestCase):
    def test_of_a_clone(self):
        clone = pathlib.Path(self.create_tempdir("my clone").full_path)
        (clone / "setup.cfg").touch()
        self.assertEqual(
            self._arguments(clone), ["--editable", f"{clone}[serve]"]
        )

    def test_of_a_package(self):
        site_packages = pathlib.Path(self.create_tempdir().full_path)
        self.assertEqual(self._arguments(site_packages), ["cifar10_tf[serve]"])

    def _arguments(self, root):
        with mock.patch.object(extras, "_ROOT", root):
            words = shlex.split(extras.install_command("serve"))
        self.assertEqual(words[:4], [sys.executable, "-m", "pip", "install"])
        return words[4:]


if __name__ == "__main__":
    absltest.main()

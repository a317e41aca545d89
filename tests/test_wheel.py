"""The package as it is published: built, installed elsewhere, and run."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest
from absl.testing import absltest

from tests import fakes

_ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.slow
class WheelTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def _call(self, *command, **kwargs):
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.directory,
            **kwargs,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def _build(self) -> pathlib.Path:
        # Building leaves files beside the sources.
        source = self.directory / "source"
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(
            _ROOT / "cifar10_tf", source / "cifar10_tf", ignore=ignored
        )
        shutil.copytree(_ROOT / "tests", source / "tests", ignore=ignored)
        for name in "setup.py", "setup.cfg", "README.md", "LICENSE":
            shutil.copy(_ROOT / name, source)
        self._call(
            *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"),
            *("--no-build-isolation", "--wheel-dir", "dist", source),
        )
        (wheel,) = (self.directory / "dist").glob("*.whl")
        return wheel

    def test_installed_in_a_fresh_environment_it_trains(self):
        wheel = self._build()
        modules = {
            str(path.relative_to(_ROOT))
            for path in (_ROOT / "cifar10_tf").rglob("*.py")
        }
        with zipfile.ZipFile(wheel) as archive:
            packed = {n for n in archive.namelist() if n.endswith(".py")}
        self.assertEqual(packed, modules)

        venv.create(self.directory / "fresh")
        programs = self.directory / "fresh" / "bin"
        self._call(
            *(sys.executable, "-m", "pip", "--python", programs / "python"),
            *("install", "--quiet", "--no-deps", "--no-index", wheel),
        )
        pets = fakes.write_folder(
            self.directory / "pets",
            {"train/cat": 20, "train/dog": 20, "test/cat": 5, "test/dog": 5},
        )
        environment = os.environ | fakes.environment(
            self.directory / "cache", self.directory / "data"
        )
        # Of this environment only what the package requires, not the package.
        environment["PYTHONPATH"] = sysconfig.get_path("purelib")
        output = self._call(
            programs / "cifar10-tf", f"--dataset=folder:{pets}", "--epochs=1",
            "--model=speedrun_s", "--run_dir=run", env=environment,
        )  # fmt: skip
        self.assertIn("test accuracy", output)
        where = "import cifar10_tf; print(cifar10_tf.__file__)"
        output = self._call(programs / "python", "-c", where, env=environment)
        self.assertStartsWith(output, str(self.directory / "fresh"))


if __name__ == "__main__":
    absltest.main()

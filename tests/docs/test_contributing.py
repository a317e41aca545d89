"""What CONTRIBUTING.md shows: each change applies, and its test passes."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import pytest
from absl.testing import absltest

_ROOT = pathlib.Path(__file__).parents[2]


def _changes() -> list[str]:
    text = (_ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return re.findall(r"^```diff\n(.*?)^```", text, re.M | re.S)


def _files(change: str) -> list[str]:
    return re.findall(r"^\+\+\+ b/(.*)$", change, re.M)


class ContributingTest(absltest.TestCase):
    def test_a_change_touches_two_files_beside_its_test(self):
        changes = _changes()
        self.assertLen(changes, 3)  # a model, an augmentation, a command
        for change in changes:
            files = _files(change)
            tests = [name for name in files if name.startswith("tests/")]
            self.assertLen(tests, 1)
            self.assertLessEqual(len(files), 3)

    @pytest.mark.slow
    @unittest.skipUnless(shutil.which("git"), "git applies the changes")
    def test_the_changes_apply_and_their_tests_pass(self):
        copy = pathlib.Path(self.create_tempdir().full_path)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in "cifar10_tf", "tests":
            shutil.copytree(_ROOT / name, copy / name, ignore=ignored)
        for name in "setup.cfg", "ruff.toml":
            shutil.copy(_ROOT / name, copy)
        for change in _changes():
            subprocess.run(
                ["git", "apply", "-"],
                input=change,
                text=True,
                check=True,
                cwd=copy,
            )
        tests = [f for c in _changes() for f in _files(c) if "tests/" in f]
        for command in (
            ["pytest", "-q", "-p", "no:cacheprovider", *tests],
            ["ruff", "check", "--no-cache", "cifar10_tf", *tests],
            ["ruff", "format", "--no-cache", "--check", "cifar10_tf", *tests],
        ):
            result = subprocess.run(
                [sys.executable, "-m", *command],
                capture_output=True,
                text=True,
                cwd=copy,
            )
            self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    absltest.main()

"""Test cases that have a machine to themselves."""

import os
import pathlib
import subprocess
import tempfile
from unittest import mock

from absl.testing import parameterized

from tests import fakes, launcher


def shared_cache() -> pathlib.Path:
    """Returns a cache that all tests share, for data that are not small."""
    return pathlib.Path(os.environ.get("TESTS_CACHE") or tempfile.mkdtemp())


class MachineTestCase(parameterized.TestCase):
    """With a cache and a data directory of its own, and no network."""

    def setUp(self):
        super().setUp()
        self.cache = pathlib.Path(self.create_tempdir("cache").full_path)
        self.data_dir = pathlib.Path(self.create_tempdir("data").full_path)
        self.enter_context(
            mock.patch.dict(
                os.environ,
                fakes.environment(cache=self.cache, data_dir=self.data_dir),
            )
        )


class CommandTestCase(parameterized.TestCase):
    """Command lines on a machine of their own, in a directory that is empty."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir("here").full_path)
        machine = pathlib.Path(self.create_tempdir("machine").full_path)
        self.cache, self.data_dir = machine / "cache", machine / "data"
        self.environment = os.environ | fakes.environment(
            cache=self.cache, data_dir=self.data_dir
        )

    def run_light(self, *arguments, **kwargs) -> subprocess.CompletedProcess:
        """Runs a command line that needs no TensorFlow."""
        return launcher.light().run(
            *arguments, env=self.environment, cwd=self.directory, **kwargs
        )

    def run_heavy(self, *arguments, **kwargs) -> subprocess.CompletedProcess:
        """Runs a command line that needs TensorFlow."""
        return launcher.heavy().run(
            *arguments, env=self.environment, cwd=self.directory, **kwargs
        )

    def assert_error(
        self, result: subprocess.CompletedProcess, *parts: str
    ) -> None:
        """Checks that an error of one line is all that there is."""
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertStartsWith(result.stderr, "error: ")
        self.assertLen(result.stderr.splitlines(), 1)
        for part in parts:
            self.assertIn(part, result.stderr)

"""What the tests of trainings in PyTorch share."""

import importlib.util
import pathlib
import subprocess
import sys

from absl.testing import parameterized
from harness.clone import REPOSITORY
from harness.fresh_process import finding_programs


def run_python(*arguments: str) -> str:
    """Runs Python and returns what it prints.

    Making an optimizer of PyTorch's crashes where TensorFlow is loaded.
    """
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=finding_programs(),
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise AssertionError(result.stderr)
    return result.stdout


class TorchTestCase(parameterized.TestCase):
    """Skips where PyTorch is missing; has it, and a directory."""

    def setUp(self):
        super().setUp()
        if not importlib.util.find_spec("torch"):
            self.skipTest("torch is not installed")
        self._torch = importlib.import_module("torch")
        self._torch.set_num_threads(1)  # more wait for each other
        self._torch.manual_seed(1)
        self._directory = pathlib.Path(self.create_tempdir().full_path)

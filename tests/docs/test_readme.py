"""The README's commands and programs, as they are printed."""

import pathlib
import re
import shlex

import pytest
from absl.testing import absltest
from PIL import Image

from cifar10_tf.datasets.tfds.cifar10_builder import Cifar10
from cifar10_tf.datasets.tfds.synthetic10 import draw
from tests.cases import CommandTestCase

_README = pathlib.Path(__file__).parents[2] / "README.md"

_PROGRAMS = (["python", "-m", "cifar10_tf.main"], ["cifar10-tf"])

# What takes too long, or needs what is not here; and what sees to it instead.
_ELSEWHERE = {
    "make ": "`.ci/run` and whoever runs these tests",
    "cifar10-tf prepare ": "tests/datasets/test_official_archives.py",
    "python benchmarks/": "benchmarks/tests",
    ".venv/bin/pip install ": "setup.cfg's extra test, which has the others",
    "cifar10-tf export ": "tests/deployment/exports",
    "cifar10-tf predict --model=": "tests/deployment",
    "cifar10-tf serve ": "tests/cli/commands/test_serve.py",
    "cifar10-tf sweep ": "tests/studies/sweeps",
    "cifar10-tf train --model=wrn28_10 ": "tests/training/distribution",
}

# All epochs and corruptions would take ten times as long, and tell no more.
_LITTLE = """
from cifar10_tf import main
from cifar10_tf.evaluation.corruptions.by_name import CORRUPTIONS
from cifar10_tf.settings.models import MODELS
for model in MODELS.values():
    model.recipe["epochs"] = 1
for name in [*CORRUPTIONS][2:]:
    del CORRUPTIONS[name]
main.run()
"""


def _blocks(language: str) -> list[str]:
    text = _README.read_text("utf-8").replace("\\\n", "")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def _commands() -> list[str]:
    lines = [line for block in _blocks("bash") for line in block.splitlines()]
    return [line for line in lines if not line.startswith(tuple(_ELSEWHERE))]


@pytest.mark.slow
class ReadmeTest(CommandTestCase):
    """In an empty directory, on a CIFAR-10 of few images."""

    def setUp(self):
        super().setUp()
        splits = {"train": draw(1, 40), "test": draw(2, 20)}
        Cifar10(splits, data_dir=self.data_dir).download_and_prepare()
        (self.directory / "pictures").mkdir()
        for name in "ship.jpg", "pictures/other.png":
            Image.new("RGB", (60, 40)).save(self.directory / name)

    def test_commands_and_programs(self):
        outputs = {command: self._run(command) for command in _commands()}
        self.assertGreater(len(outputs), 6)
        evaluated, corrupted = (
            outputs[c] for c in outputs if " evaluate " in c
        )
        self.assertIn("With test-time augmentation", evaluated)
        self.assertIn("Mean corruption accuracy", corrupted)
        self.assertTrue((self.directory / "runs/robustness.png").exists())
        self.assertTrue((self.directory / "runs/pieces/summary.json").exists())

        notebook, pipeline, plain_keras, predict = _blocks("python")
        for program in notebook, pipeline, predict:
            self._run_program(program)
        accuracy = float(self._run_program(plain_keras).split()[-1])
        self.assertIn(f"test accuracy {accuracy:.2%}", evaluated)

    def _run(self, command: str) -> str:
        words = shlex.split(command, comments=True)
        (program,) = (p for p in _PROGRAMS if words[: len(p)] == p)
        result = self.run_heavy(*words[len(program) :], program=_LITTLE)
        self.assertEqual(result.returncode, 0, f"{command}\n{result.stderr}")
        return result.stdout

    def _run_program(self, program: str) -> str:
        result = self.run_heavy(program=program)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout


if __name__ == "__main__":
    absltest.main()

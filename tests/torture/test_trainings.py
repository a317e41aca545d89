"""A little of `make torture`, in processes that have imported TensorFlow."""

import pathlib
import random
import tempfile

import pytest
from absl.testing import absltest

from tests import launcher
from tests.torture.bench import CASES, Bench
from tests.torture.trainings import kills, limits, terminations


@pytest.mark.slow
@pytest.mark.signals
class DropoutTest(absltest.TestCase):
    flags = (*CASES["dropout, mixed_bfloat16"], "--epochs=3")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        start = launcher.heavy().start
        start(program="pass").wait()  # no run's time begins with imports
        # So that they are killed and terminated amid the training.
        cls.bench = Bench(path, random.Random(40), start)

    def test_killed(self):
        figure = kills(self.bench, self.flags, 1, share=0.5)
        self.assertRegex(figure, "^1 of 1 ")

    def test_terminated(self):
        figure, _ = terminations(self.bench, self.flags, 1)
        # However slowly, beside other work.
        self.assertStartsWith(figure, "1 of 1")

    def test_without_room(self):
        figure, _ = limits(self.bench, self.flags, 1)
        self.assertStartsWith(figure, "1 of 1")


if __name__ == "__main__":
    absltest.main()

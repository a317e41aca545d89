"""A little of `make torture`."""

import pathlib
import random
import tempfile

from absl.testing import absltest

from tests import torture

_FLAGS = torture.CASES["dropout, mixed_bfloat16"]


class TortureTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cls.bench = torture.Bench(path, random.Random(1))

    def test_killed(self):
        for flags in _FLAGS, torture.CASES["speedrun_s, mixed_bfloat16"]:
            figure = torture.kills(self.bench, flags, 1)
            self.assertRegex(figure, "^1 of 1 ")

    def test_terminated_and_without_room(self):
        for check in torture.terminations, torture.limits:
            figure, _ = check(self.bench, _FLAGS, 1)
            # However slowly, beside other work.
            self.assertStartsWith(figure, "1 of 1")


if __name__ == "__main__":
    absltest.main()

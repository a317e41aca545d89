"""A little of `make torture`."""

import pathlib
import random
import tempfile

from absl.testing import absltest

from tests import torture


class TortureTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cls.bench = torture.Bench(path, random.Random(1))

    def test_killed(self):
        flags = torture.CASES["dropout, mixed_bfloat16"]
        figure = torture.kills(self.bench, flags, 1)
        self.assertRegex(figure, "^1 of 1 ")

    def test_terminated_and_without_room(self):
        flags = torture.CASES["speedrun_s, float32"]
        for check in torture.terminations, torture.limits:
            figure, is_kept = check(self.bench, flags, 1)
            self.assertTrue(is_kept, figure)


if __name__ == "__main__":
    absltest.main()

import contextlib
import io

from absl.testing import absltest
from harness.subjects import in_turn, is_installed, turns


class SubjectsTest(absltest.TestCase):
    def test_turns_alternate_and_the_first_counts_for_nothing(self):
        self.assertEqual(
            list(turns("ab", 2)),
            [(0, "b"), (0, "a"), (1, "a"), (1, "b"), (2, "b"), (2, "a")],
        )
        calls = iter(range(6))
        subjects = {"a": lambda: next(calls), "b": lambda: next(calls)}
        with contextlib.redirect_stderr(io.StringIO()):
            values = in_turn(subjects, 2)
        self.assertEqual(values, {"a": [2, 5], "b": [3, 4]})

    def test_says_which_packages_are_missing(self):
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            self.assertTrue(is_installed("peer", ["numpy"]))
            self.assertFalse(is_installed("peer", ["numpy", "no_such"]))
        self.assertEqual(
            stderr.getvalue(),
            "peer: left out; pip install no_such to have it\n",
        )

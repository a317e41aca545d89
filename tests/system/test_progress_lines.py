import io

from absl.testing import absltest

from cifar10_tf.system.progress_lines import ProgressLines


class _Terminal(io.StringIO):
    def isatty(self):
        return True


class ProgressLinesTest(absltest.TestCase):
    def _run(self, stream, seconds_a_step, total=10):
        now = [0.0]
        with ProgressLines(
            "Decoding", total, stream=stream, clock=lambda: now[0]
        ) as progress:
            for _ in range(total):
                now[0] += seconds_a_step
                progress.advance()
        return stream.getvalue()

    def test_at_most_one_line_in_five_seconds(self):
        self.assertEqual(
            self._run(io.StringIO(), 2.0),
            "Decoding: 3 of 10, 14 s to go\n"
            "Decoding: 6 of 10, 8 s to go\n"
            "Decoding: 9 of 10, 2 s to go\n",
        )

    def test_short_work_says_nothing(self):
        self.assertEqual(self._run(io.StringIO(), 0.4), "")
        self.assertEqual(self._run(_Terminal(), 0.04), "")

    def test_long_work_says_minutes_and_hours(self):
        lines = self._run(io.StringIO(), 3600.0, total=3)
        self.assertStartsWith(lines, "Decoding: 1 of 3, 2 h 0 min to go\n")
        lines = self._run(io.StringIO(), 75.0, total=2)
        self.assertEqual(lines, "Decoding: 1 of 2, 1 min 15 s to go\n")

    def test_a_terminal_has_one_line_that_ends_empty(self):
        text = self._run(_Terminal(), 20.0, total=12)
        self.assertNotIn("\n", text)
        first, second, *_ = text.split("\r")[1:]
        self.assertEqual(first, "Decoding: 1 of 12, 3 min 40 s to go")
        self.assertStartsWith(second, "Decoding: 2 of 12, 3 min 20 s to go")
        shown = {}
        for part in text.split("\r"):  # later ones are written over earlier
            shown |= dict(enumerate(part))
        self.assertEqual("".join(shown.values()).strip(), "")


if __name__ == "__main__":
    absltest.main()

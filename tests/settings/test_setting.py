import math

from absl.testing import absltest, parameterized

from cifar10_tf.settings import setting
from cifar10_tf.settings.setting import check


class ValidTest(parameterized.TestCase):
    @parameterized.parameters(
        (setting.SHARE, [0, 0.5, 0.999], [-1e-9, 1, math.inf]),
        (setting.POSITIVE, [1e-300, 1e300], [0, -1, math.inf]),
        (setting.NOT_NEGATIVE, [0, 1e300], [-1e-300, math.inf]),
        (setting.between(3, 5), [3, 4, 5], [2, 6]),
        (setting.one_of(["a", "b"]), ["a", "b"], ["", "A", "ab"]),
        (setting.matching("a+", "as"), ["a", "aa"], ["", "aab", "a\n"]),
        (setting.matching(r"\w", "one"), ["x"], ["é"]),
        (setting.ANY, [0, "", None], []),
    )
    def test_holds(self, valid, good, bad):
        for value in good:
            self.assertTrue(valid.holds(value), value)
        for value in bad:
            self.assertFalse(valid.holds(value), value)

    def test_what_is_no_number_is_not_valid(self):
        for valid in (
            setting.SHARE,
            setting.POSITIVE,
            setting.NOT_NEGATIVE,
            setting.between(0, 9),
        ):
            self.assertFalse(valid.holds(math.nan), valid.text)


class CheckTest(absltest.TestCase):
    def test_a_whole_number_will_do_for_a_float(self):
        value = check("ema", 0, float, setting.SHARE)
        self.assertIs(type(value), float)

    def test_a_whole_number_that_no_float_holds_is_infinite(self):
        for value, shown in (10**400, "inf"), (-(10**400), "-inf"):
            with self.assertRaisesRegex(ValueError, f"positive, got {shown}"):
                check("weight_decay", value, float, setting.NOT_NEGATIVE)

    def test_no_other_type_will_do(self):
        for value, wanted in (
            (1.0, int), (True, int), (1, bool), ("1", int), (None, str),
            (True, float),
        ):  # fmt: skip
            with self.assertRaisesRegex(
                ValueError, f"seed must be of type {wanted.__name__}, got"
            ):
                check("seed", value, wanted, setting.ANY)

    def test_the_message_says_what_is_valid(self):
        with self.assertRaisesRegex(
            ValueError, "ema must be at least 0 and below 1, got 1.5"
        ):
            check("ema", 1.5, float, setting.SHARE)
        with self.assertRaisesRegex(
            ValueError, "Unknown model 'c'; choose from a, b"
        ):
            check("model", "c", str, setting.one_of(["a", "b"]))


class SettingTest(absltest.TestCase):
    def test_as_before_is_the_default_where_none_is_given(self):
        self.assertEqual(
            setting.setting("Help.", as_before=0.5).metadata["default"], 0.5
        )
        both = setting.setting("Help.", default=0.0, as_before=0.5).metadata
        self.assertEqual((both["default"], both["as_before"]), (0.0, 0.5))


if __name__ == "__main__":
    absltest.main()

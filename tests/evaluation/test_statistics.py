import json

import numpy as np
from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.evaluation.statistics import (
    mean_and_interval,
    wilson_interval,
    wilson_interval_of_share,
)


class WilsonIntervalTest(parameterized.TestCase):
    @parameterized.parameters(
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    )
    def test_as_in_newcombes_table(self, successes, trials, *expected):
        # Newcombe 1998, table I, method 3.
        interval = wilson_interval(successes, trials)
        for bound, value in zip(interval, expected, strict=True):
            self.assertAlmostEqual(bound, value, places=4)

    def test_nothing_is_right_or_all(self):
        self.assertEqual(wilson_interval(0, 20)[0], 0)
        self.assertEqual(wilson_interval(20, 20)[1], 1)

    @given(st.integers(1, 10_000), st.data())
    @settings(deadline=None)  # the first imports SciPy
    def test_holds_the_proportion(self, trials, data):
        successes = data.draw(st.integers(0, trials))
        low, high = wilson_interval(successes, trials)
        self.assertBetween(successes / trials, low - 1e-12, high + 1e-12)
        self.assertBetween(low, 0, 1)
        self.assertBetween(high, 0, 1)


class MeanAndIntervalTest(parameterized.TestCase):
    @parameterized.parameters(
        (1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622),
        (10, 2.2281), (30, 2.0423), (99, 1.9842), (10_000, 1.9602),
    )  # fmt: skip
    def test_t_quantiles_as_in_the_tables(self, degrees_of_freedom, expected):
        values = np.arange(degrees_of_freedom + 1.0)
        result = mean_and_interval(values)
        error_of_mean = result["std"] / len(values) ** 0.5
        for bound, sign in zip(result["ci95"], (-1, 1), strict=True):
            quantile = sign * (bound - result["mean"]) / error_of_mean
            self.assertAlmostEqual(quantile, expected, places=4)

    def test_mean_and_deviation(self):
        result = mean_and_interval([1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertEqual(result["mean"], 3)
        self.assertAlmostEqual(result["std"], 2.5**0.5)
        low, high = result["ci95"]
        self.assertAlmostEqual(low, 3 - 2.776445 * 0.5**0.5, places=6)
        self.assertAlmostEqual(high, 3 + 2.776445 * 0.5**0.5, places=6)
        self.assertEqual(result["values"], [1.0, 2.0, 3.0, 4.0, 5.0])

    def test_it_goes_into_json(self):
        result = mean_and_interval((0.5, 0.75))
        self.assertEqual(json.loads(json.dumps(result)), result)

    def test_wilsons_interval_of_a_share_is_that_of_trials(self):
        for successes, trials in (0, 3), (7, 10), (9000, 10000), (3, 3):
            np.testing.assert_allclose(
                wilson_interval_of_share(successes / trials, trials),
                wilson_interval(successes, trials),
                atol=1e-12,
            )


if __name__ == "__main__":
    absltest.main()

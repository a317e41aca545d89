import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats
from statsmodels.stats import contingency_tables, multitest

from cifar10_tf.evaluation import significance


def _pair(rng, accuracies, num_images=10_000):
    """Simulates two classifiers that find the same images difficult."""
    difficulty = rng.normal(0, 1, num_images)
    return [
        stats.norm.ppf(accuracy) * 2**0.5 + rng.normal(0, 1, num_images)
        > difficulty
        for accuracy in accuracies
    ]


class SignificanceTest(parameterized.TestCase):
    @parameterized.parameters((0.7, 0.7), (0.6, 0.8), (1.0, 1.0))
    def test_mcnemar_is_that_of_another_implementation(self, one, other):
        rng = np.random.default_rng(0)
        first, second = rng.random((2, 200)) < [[one], [other]]
        result = significance.mcnemar(first, second)
        table = [
            [(first & second).sum(), (first & ~second).sum()],
            [(~first & second).sum(), (~first & ~second).sum()],
        ]
        expected = contingency_tables.mcnemar(table, exact=True)
        self.assertAlmostEqual(result.p, expected.pvalue, delta=1e-9)
        self.assertEqual(result[:2], (table[0][1], table[1][0]))

    @parameterized.parameters(
        ([0.01, 0.04, 0.03, 0.005],), ([0.5],), ([0.9, 0.8],), ([0.0, 1.0],)
    )
    def test_holm_is_that_of_another_implementation(self, p_values):
        expected = multitest.multipletests(p_values, method="holm")[1]
        np.testing.assert_allclose(
            significance.holm(p_values), expected, atol=1e-9
        )

    def test_welch_is_that_of_another_implementation(self):
        rng = np.random.default_rng(0)
        first, second = rng.normal(0.9, 0.01, 5), rng.normal(0.91, 0.03, 7)
        result = significance.welch(first, second)
        expected = stats.ttest_ind(second, first, equal_var=False)
        interval = expected.confidence_interval()
        self.assertAlmostEqual(result.p, expected.pvalue, delta=1e-9)
        self.assertAlmostEqual(result.ci95[0], interval.low, delta=1e-9)
        self.assertAlmostEqual(result.ci95[1], interval.high, delta=1e-9)

    def test_welch_of_constants(self):
        self.assertEqual(significance.welch([0.5, 0.5], [0.5, 0.5]).p, 1)
        self.assertEqual(significance.welch([0.5, 0.5], [0.6, 0.6]).p, 0)

    def test_chance_is_rarely_taken_for_a_difference(self):
        rng = np.random.default_rng(0)

        def share_shown(accuracies):
            results = [
                significance.mcnemar(*_pair(rng, accuracies)).p
                < significance.LEVEL
                for _ in range(200)
            ]
            return np.mean(results)

        self.assertBetween(share_shown([0.9, 0.9]), 0.02, 0.08)
        self.assertGreater(share_shown([0.9, 0.92]), 0.8)


if __name__ == "__main__":
    absltest.main()

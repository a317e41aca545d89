import math

import numpy as np
from absl.testing import absltest
from hypothesis import given
from hypothesis import strategies as st

from cifar10_tf import evaluation


def _evaluation():
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.9, 0.1, 0.0]],
        np.float32,
    )
    return evaluation.Evaluation(
        probabilities, np.array([0, 1, 1, 2]), ("cat", "dog", "emu")
    )


class EvaluationTest(absltest.TestCase):
    def test_metrics(self):
        metrics = _evaluation().metrics()
        self.assertEqual(metrics["test_accuracy"], 0.5)
        self.assertEqual(
            metrics["per_class_accuracy"], {"cat": 1.0, "dog": 0.5, "emu": 0.0}
        )
        expected = -sum(map(math.log, (0.7, 0.4, 0.8, 1e-7))) / 4
        self.assertAlmostEqual(metrics["test_loss"], expected, places=6)

    def test_confusion_matrix_is_truth_by_prediction(self):
        np.testing.assert_array_equal(
            _evaluation().confusion_matrix, [[1, 0, 0], [1, 1, 0], [1, 0, 0]]
        )

    def test_a_class_without_examples_has_no_accuracy(self):
        result = evaluation.Evaluation(
            np.eye(2, dtype=np.float32), np.array([0, 0]), ("cat", "dog")
        )
        self.assertEqual(result.per_class_accuracy, {"cat": 0.5, "dog": None})


class WilsonIntervalTest(absltest.TestCase):
    def test_published_values(self):
        # Newcombe 1998, table I: 81 of 263, and 0 of 20.
        low, high = evaluation.wilson_interval(81, 263)
        self.assertAlmostEqual(low, 0.2553, places=4)
        self.assertAlmostEqual(high, 0.3662, places=4)
        low, high = evaluation.wilson_interval(0, 20)
        self.assertEqual(low, 0)
        self.assertAlmostEqual(high, 0.1611, places=4)

    @given(st.integers(1, 10_000), st.data())
    def test_holds_the_proportion(self, trials, data):
        successes = data.draw(st.integers(0, trials))
        low, high = evaluation.wilson_interval(successes, trials)
        self.assertBetween(successes / trials, low - 1e-12, high + 1e-12)
        self.assertBetween(low, 0, 1)
        self.assertBetween(high, 0, 1)


if __name__ == "__main__":
    absltest.main()

import numpy as np
from absl.testing import absltest
from sklearn import metrics

from cifar10_tf.evaluation import classification


class ClassificationTest(absltest.TestCase):
    def test_figures_are_those_of_another_implementation(self):
        rng = np.random.default_rng(0)
        labels, predictions = rng.integers(0, 5, (2, 300))
        matrix = classification.confusion_matrix(labels, predictions, 5)
        np.testing.assert_array_equal(
            matrix, metrics.confusion_matrix(labels, predictions)
        )
        expected = metrics.precision_recall_fscore_support(labels, predictions)
        for i, figures in enumerate(classification.figures_by_class(matrix)):
            precision, recall, f1, num_examples = (e[i] for e in expected)
            self.assertEqual(figures.num_examples, num_examples)
            self.assertAlmostEqual(figures.precision, precision, delta=1e-9)
            self.assertAlmostEqual(figures.recall, recall, delta=1e-9)
            self.assertAlmostEqual(figures.f1, f1, delta=1e-9)

    def test_a_share_of_nothing_is_none(self):
        matrix = np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]])
        _, never_said, nowhere = classification.figures_by_class(matrix)
        self.assertEqual(never_said, (1, None, 0.0, 0.0))
        self.assertEqual(nowhere, (0, None, None, None))


if __name__ == "__main__":
    absltest.main()

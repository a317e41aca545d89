import numpy as np
from absl.testing import absltest, parameterized
from scipy import optimize, special
from sklearn import metrics
from sklearn.calibration import calibration_curve

from cifar10_tf.evaluation import calibration


def _random(num_examples=500, num_classes=7, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(num_classes, 0.4), num_examples)
    labels = rng.integers(0, num_classes, num_examples)
    sure = rng.random(num_examples) < 0.6
    labels[sure] = probabilities[sure].argmax(axis=1)
    return probabilities, labels


class CalibrationTest(parameterized.TestCase):
    @parameterized.parameters(1, 10, 15)
    def test_error_is_that_of_another_implementation(self, num_bins):
        probabilities, labels = _random()
        bins = calibration.reliability(probabilities, labels, num_bins)
        right = probabilities.argmax(axis=1) == labels
        confidence = probabilities.max(axis=1)
        accuracy, mean = calibration_curve(right, confidence, n_bins=num_bins)
        counts = bins.counts[bins.counts > 0]
        expected = np.abs(accuracy - mean) @ counts / len(labels)
        self.assertAlmostEqual(bins.error, expected, delta=1e-9)

    def test_every_example_is_in_a_bin(self):
        for value in 0.5, 1.0:  # an edge, and the last one
            bins = calibration.reliability(
                np.array([[value, 1 - value]]), np.array([0]), 2
            )
            self.assertEqual(bins.counts.sum(), 1)

    def test_brier_score_is_that_of_another_implementation(self):
        probabilities, labels = _random()
        expected = metrics.brier_score_loss(
            labels, probabilities, scale_by_half=False, labels=range(7)
        )
        self.assertAlmostEqual(
            calibration.brier_score(probabilities, labels), expected, delta=1e-9
        )

    def test_cross_entropy_is_that_of_another_implementation(self):
        probabilities, labels = _random()
        self.assertAlmostEqual(
            calibration.cross_entropy(probabilities, labels),
            metrics.log_loss(labels, probabilities, labels=range(7)),
            delta=1e-9,
        )

    @parameterized.parameters(0.5, 1.0, 3.0)
    def test_the_temperature_is_found(self, temperature):
        rng = np.random.default_rng(1)
        logits = rng.normal(0, 2, (4000, 5))
        truth = special.softmax(logits, axis=1)
        labels = (rng.random((4000, 1)) > truth.cumsum(axis=1)).sum(axis=1)
        bold = special.softmax(logits * temperature, axis=1)
        found = calibration.best_temperature(bold, labels)
        self.assertAlmostEqual(found, temperature, delta=0.1 * temperature)
        by_scipy = optimize.minimize_scalar(
            lambda t: calibration.cross_entropy(bold, labels, t),
            bounds=(0.05, 20),
            method="bounded",
            options={"xatol": 1e-6},
        )
        self.assertAlmostEqual(found / by_scipy.x, 1, delta=1e-4)

        def loss(t):
            mended = calibration.at_temperature(bold, t)
            return metrics.log_loss(labels, mended)

        expected = optimize.minimize_scalar(loss, bounds=(0.1, 10)).x
        self.assertAlmostEqual(found, expected, delta=0.01)

    def test_what_is_wrong_and_certain_has_a_finite_loss(self):
        certain = np.array([[1.0, 0.0]], np.float16)
        wrong = np.array([1])
        self.assertTrue(np.isfinite(calibration.cross_entropy(certain, wrong)))
        self.assertTrue(
            np.isfinite(calibration.best_temperature(certain, wrong))
        )

    def test_accuracy_by_coverage(self):
        probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
        np.testing.assert_allclose(
            calibration.accuracy_by_coverage(
                probabilities, np.array([0, 1, 0])
            ),
            [1, 1 / 2, 2 / 3],
        )


if __name__ == "__main__":
    absltest.main()

import math
import os
import pathlib

import keras
import numpy as np
from absl.testing import absltest
from hypothesis import given
from hypothesis import strategies as st

from cifar10_tf import evaluation
from cifar10_tf.datasets import Examples
from cifar10_tf.errors import UserError
from cifar10_tf.run_directory import RunDirectory


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


class EvaluateTest(absltest.TestCase):
    def _save_a_model_that_looks_left(self) -> RunDirectory:
        """For class 1 a little, the more against it the brighter the left."""
        inputs = keras.Input((4, 4, 1))
        x = keras.layers.Cropping2D(((0, 0), (0, 2)))(inputs)
        x = keras.layers.GlobalAveragePooling2D()(x)
        outputs = keras.layers.Dense(2, activation="softmax")(x)
        model = keras.Model(inputs, outputs)
        model.set_weights([np.array([[10.0, 0.0]]), np.array([0.0, 1.0])])
        run = RunDirectory(self.create_tempdir().full_path)
        model.save(run.model)
        return run

    def test_a_model_with_code_in_it_is_refused(self):
        run = RunDirectory(self.create_tempdir().full_path)
        traces = str(run.path / "traces")
        inputs = keras.Input((4, 4, 1))
        outputs = keras.layers.Lambda(
            lambda x: [os.mkdir(traces), x][1], output_shape=(4, 4, 1)
        )(inputs)
        keras.Model(inputs, outputs).save(run.model)
        test = Examples(np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64))
        with self.assertRaisesRegex(UserError, "model.keras can't be loaded"):
            evaluation.evaluate(run, test, ("bright", "dark"))
        self.assertFalse(pathlib.Path(traces).exists())

    def test_with_test_time_augmentation(self):
        run = self._save_a_model_that_looks_left()
        images = np.zeros((260, 4, 4, 1), np.uint8)  # more than one batch
        images[:, :, 2:] = 255  # seen when mirrored
        images[-1] = 0
        test = Examples(images, np.zeros(260, np.int64))
        plain = evaluation.evaluate(run, test, ("bright", "dark"))
        self.assertEqual(plain.accuracy, 0)
        self.assertNotIn("test_accuracy_tta", plain.metrics())

        both = evaluation.evaluate(run, test, ("bright", "dark"), with_tta=True)
        metrics = both.metrics()
        self.assertEqual(metrics["test_accuracy"], 0)
        self.assertEqual(metrics["test_accuracy_tta"], 259 / 260)
        self.assertEqual(
            metrics["test_accuracy_tta_ci95"],
            evaluation.wilson_interval(259, 260),
        )
        self.assertEqual(both.augmented.predictions[-1], 1)
        np.testing.assert_array_equal(plain.probabilities, both.probabilities)


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

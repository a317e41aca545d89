import math
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.datasets.loading import Examples
from cifar10_tf.evaluation import evaluation
from cifar10_tf.evaluation.evaluation import Evaluation, evaluate
from cifar10_tf.evaluation.statistics import wilson_interval
from cifar10_tf.models import cnn
from cifar10_tf.pipeline import batches
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from tests import fakes


def _evaluation():
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.9, 0.1, 0.0]],
        np.float32,
    )
    return Evaluation(
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
        result = Evaluation(
            np.eye(2, dtype=np.float32), np.array([0, 0]), ("cat", "dog")
        )
        self.assertEqual(result.per_class_accuracy, {"cat": 0.5, "dog": None})


def _build_a_model_that_looks_left(*, num_classes: int) -> keras.Model:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Cropping2D(((0, 0), (0, 2)))(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(num_classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


class EvaluateTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(
            mock.patch.object(
                cnn, "build_dropout", _build_a_model_that_looks_left
            )
        )
        self.test = Examples(np.zeros((2, 4, 4, 1), np.uint8), np.array([1, 1]))
        self.run_dir = RunDirectory(self.create_tempdir().full_path)
        self.run_dir.open(make_config(dataset="synthetic10"))
        # For class 1 a little, the more against it the brighter the left.
        model = _build_a_model_that_looks_left(num_classes=2)
        model.set_weights([np.array([[10.0, 0.0]]), np.array([0.0, 1.0])])
        model.save(self.run_dir.model)

    def _evaluate(self, **kwargs):
        return evaluate(self.run_dir, self.test, ("bright", "dark"), **kwargs)

    def test_the_model_on_the_disk_is_evaluated(self):
        result = self._evaluate()
        self.assertEqual(result.accuracy, 1)
        self.assertEqual(result.class_names, ("bright", "dark"))
        np.testing.assert_array_equal(result.labels, self.test.labels)
        odds = np.exp([0.0, 1.0])
        np.testing.assert_allclose(
            result.probabilities, [odds / odds.sum()] * 2, rtol=1e-5
        )

    def test_a_model_that_cannot_be_loaded(self):
        self.run_dir.model.write_bytes(b"")
        with self.assertRaisesRegex(UserError, "model.keras can't be loaded"):
            self._evaluate()

    def test_a_model_that_has_diverged(self):
        model = _build_a_model_that_looks_left(num_classes=2)
        model.set_weights([np.full((1, 2), 3e38), np.zeros(2)])
        model.save(self.run_dir.model)
        images = np.full((2, 4, 4, 1), 255, np.uint8)
        self.test = self.test._replace(images=images)
        # Too large for the product.
        to_float = mock.patch.object(
            batches, "to_float", lambda images: tf.cast(images, tf.float32)
        )
        with (
            to_float,
            self.assertRaisesRegex(UserError, "no number.*--restart"),
        ):
            self._evaluate()

    def test_with_test_time_augmentation(self):
        images = np.zeros((260, 4, 4, 1), np.uint8)  # more than one batch
        images[:, :, 2:] = 255  # seen when mirrored
        images[-1] = 0
        self.test = Examples(images, np.zeros(260, np.int64))
        plain = self._evaluate()
        self.assertEqual(plain.accuracy, 0)
        self.assertNotIn("test_accuracy_tta", plain.metrics())

        with fakes.talkative_progress(evaluation) as progress:
            both = self._evaluate(with_tta=True)
        self.assertRegex(
            progress.getvalue(),
            r"^Images evaluated: 250 of 260, .* to go\n"
            "Images evaluated in 6 views: 41 of 260, ",
        )
        metrics = both.metrics()
        self.assertEqual(metrics["test_accuracy"], 0)
        self.assertEqual(metrics["test_accuracy_tta"], 259 / 260)
        self.assertEqual(
            metrics["test_accuracy_tta_ci95"],
            wilson_interval(259, 260),
        )
        self.assertEqual(both.augmented.predictions[-1], 1)
        np.testing.assert_array_equal(plain.probabilities, both.probabilities)


if __name__ == "__main__":
    absltest.main()

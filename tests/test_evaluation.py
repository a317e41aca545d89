import math
import os
import pathlib
import zipfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from hypothesis import given
from hypothesis import strategies as st

from cifar10_tf import config as config_lib
from cifar10_tf import evaluation, models, pipeline
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


def _build_a_model_that_looks_left(num_classes: int) -> keras.Model:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Cropping2D(((0, 0), (0, 2)))(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(num_classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


class EvaluateTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(
            mock.patch.dict(
                models.MODELS, {"dropout": _build_a_model_that_looks_left}
            )
        )
        self.test = Examples(np.zeros((2, 4, 4, 1), np.uint8), np.array([1, 1]))
        self.run_dir = RunDirectory(self.create_tempdir().full_path)
        self.run_dir.open(config_lib.make_config(dataset="synthetic10"))
        # For class 1 a little, the more against it the brighter the left.
        model = _build_a_model_that_looks_left(2)
        model.set_weights([np.array([[10.0, 0.0]]), np.array([0.0, 1.0])])
        model.save(self.run_dir.model)

    def _evaluate(self, **kwargs):
        return evaluation.evaluate(
            self.run_dir, self.test, ("bright", "dark"), **kwargs
        )

    def _replace(self, name: str, content: bytes):
        """Puts another file into the archive of the model."""
        with zipfile.ZipFile(self.run_dir.model) as archive:
            files = {n: archive.read(n) for n in archive.namelist()}
        with zipfile.ZipFile(self.run_dir.model, "w") as archive:
            for n, old in files.items():
                archive.writestr(n, content if n == name else old)

    def test_nothing_but_numbers_is_taken_from_the_file(self):
        self.assertEqual(self._evaluate().accuracy, 1)
        self._replace("config.json", b"exit(1)")
        self.assertEqual(self._evaluate().accuracy, 1)

    def test_a_model_with_code_in_it_is_refused(self):
        traces = str(self.run_dir.path / "traces")
        inputs = keras.Input((4, 4, 1))
        outputs = keras.layers.Lambda(
            lambda x: [os.mkdir(traces), x][1], output_shape=(4, 4, 1)
        )(inputs)
        keras.Model(inputs, outputs).save(self.run_dir.model)
        with self.assertRaisesRegex(UserError, "model.keras can't be loaded"):
            self._evaluate()
        self.assertFalse(pathlib.Path(traces).exists())

    def test_another_network_is_refused(self):
        for layers in [keras.layers.Conv2D(2, 3)], [keras.layers.Flatten()], []:
            model = keras.Sequential([keras.Input((4, 4, 1)), *layers])
            model.save(self.run_dir.model)
            with self.assertRaisesRegex(UserError, "or no dropout that tells"):
                self._evaluate()

    def test_damage_is_noticed(self):
        content = bytearray(self.run_dir.model.read_bytes())
        weight = content.index(np.float32(10.0).tobytes())
        content[weight + 2] ^= 1
        self.run_dir.model.write_bytes(content)
        with self.assertRaisesRegex(UserError, "model.keras can't be loaded"):
            self._evaluate()

    def test_a_model_that_has_diverged(self):
        model = _build_a_model_that_looks_left(2)
        model.set_weights([np.full((1, 2), 3e38), np.zeros(2)])
        model.save(self.run_dir.model)
        images = np.full((2, 4, 4, 1), 255, np.uint8)
        self.test = self.test._replace(images=images)
        # Too large for the product.
        to_float = mock.patch.object(
            pipeline, "to_float", lambda images: tf.cast(images, tf.float32)
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

        both = self._evaluate(with_tta=True)
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

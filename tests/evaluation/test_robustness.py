from unittest import mock

import keras
import numpy as np
from absl.testing import absltest

from cifar10_tf.datasets.loading import Examples
from cifar10_tf.evaluation import robustness
from cifar10_tf.evaluation.corruptions import by_name
from cifar10_tf.evaluation.statistics import wilson_interval
from cifar10_tf.models import cnn
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config


def _build_a_model_that_sees_stripes(*, num_classes: int) -> keras.Model:
    """Of two classes: how much neighbours in a row differ, against a limit."""
    inputs = keras.Input((32, 32, 3))
    left = keras.layers.Cropping2D(((0, 0), (0, 1)))(inputs)
    right = keras.layers.Cropping2D(((0, 0), (1, 0)))(inputs)
    steps = keras.layers.Subtract()([left, right])
    energy = keras.layers.GlobalAveragePooling2D()(
        keras.layers.Multiply()([steps, steps])
    )
    outputs = keras.layers.Dense(num_classes, activation="softmax")(energy)
    return keras.Model(inputs, outputs)


class EvaluateCorruptionsTest(absltest.TestCase):
    """Flat images and striped ones, striped by different amounts."""

    def setUp(self):
        super().setUp()
        self.enter_context(
            mock.patch.object(
                cnn, "build_dropout", _build_a_model_that_sees_stripes
            )
        )
        images = np.full((40, 32, 32, 3), 128, np.uint8)
        images[20:, :, ::2] -= np.arange(20, 60, 2, np.uint8)[
            :, None, None, None
        ]
        self.examples = Examples(images, np.repeat([0, 1], 20))
        self.run_dir = RunDirectory(self.create_tempdir().full_path)
        self.run_dir.open(make_config(dataset="synthetic10"))
        model = _build_a_model_that_sees_stripes(num_classes=2)
        kernel = np.outer(np.ones(3), [0, 1e4])
        model.set_weights([kernel, np.array([3e4 * (15 / 255) ** 2, 0])])
        model.save(self.run_dir.model)

    def _evaluate(self, *names, **kwargs):
        corruptions = {name: by_name.CORRUPTIONS[name] for name in names}
        with mock.patch.object(robustness, "CORRUPTIONS", corruptions):
            return robustness.evaluate_corruptions(
                self.run_dir, self.examples, 2, **kwargs
            )

    def test_accuracies_fall_with_severity(self):
        result = self._evaluate("gaussian_blur", "contrast", "brightness")
        for name in "gaussian_blur", "contrast":
            accuracy = result.accuracy[name]
            self.assertEqual(accuracy, sorted(accuracy, reverse=True))
            self.assertGreater(accuracy[0], accuracy[-1])
        # Which leaves stripes as they are.
        self.assertEqual(result.accuracy["brightness"][0], 1)
        metrics = result.metrics()
        self.assertEqual(metrics["source"], "computed")
        mean = np.mean(list(result.accuracy.values()))
        self.assertAlmostEqual(metrics["mean_accuracy"], mean)
        self.assertAlmostEqual(np.mean(metrics["mean_by_severity"]), mean)
        low, high = metrics["mean_accuracy_ci95"]
        self.assertBetween(mean, low, high)

    def test_prepared_images_are_used_instead(self):
        flat = Examples(self.examples.images[:20], self.examples.labels[20:])
        prepared = {"fog": [lambda: flat] * 5}
        result = self._evaluate("fog", "contrast", prepared=prepared.get)
        self.assertEqual(result.accuracy["fog"], [0.0] * 5)
        self.assertEqual(
            result.sources, {"fog": "tfds", "contrast": "computed"}
        )
        self.assertEqual(result.source, "computed and tfds")


class MeanIntervalTest(absltest.TestCase):
    def _cells(self, *rows):
        labels = np.arange(len(rows[0]))
        return [(labels, np.array(row, bool)) for row in rows]

    def test_of_one_cell_it_is_wilsons(self):
        cells = self._cells([1, 1, 0, 1, 0])
        np.testing.assert_allclose(
            robustness.mean_interval(cells), wilson_interval(3, 5)
        )

    def test_cells_that_say_the_same_say_no_more(self):
        row = [1, 1, 0, 1, 0]
        np.testing.assert_allclose(
            robustness.mean_interval(self._cells(row, row, row)),
            wilson_interval(3, 5),
        )

    def test_all_right_is_not_certain(self):
        low, high = robustness.mean_interval(self._cells([1] * 3, [1] * 3))
        self.assertEqual(high, 1)
        self.assertLess(low, 0.5)

    def test_as_a_bootstrap_over_images(self):
        rng = np.random.default_rng(0)
        hardness = rng.random(2000)
        rows = [rng.random(2000) > hardness * s for s in (0.3, 0.6, 0.9)]
        low, high = robustness.mean_interval(self._cells(*rows))
        shares = np.mean(rows, axis=0)
        means = [rng.choice(shares, 2000).mean() for _ in range(2000)]
        np.testing.assert_allclose(
            [low, high], np.quantile(means, [0.025, 0.975]), atol=0.002
        )

    def test_other_images_are_not_taken_for_the_same(self):
        rng = np.random.default_rng(0)
        rows = [rng.random(500) > 0.5 for _ in range(2)]
        same = robustness.mean_interval(self._cells(*rows))
        (labels, first), (_, second) = self._cells(*rows)
        other = robustness.mean_interval(
            [(labels, first), (labels[::-1], second)]
        )
        self.assertGreater(np.diff(other), 1.2 * np.diff(same))


if __name__ == "__main__":
    absltest.main()

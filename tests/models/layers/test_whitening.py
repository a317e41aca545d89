import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.building import build_model
from cifar10_tf.models.layers import blocks, whitening
from cifar10_tf.models.layers.whitening import Whitening


def _images(num_images=400):
    """Pixels that neighbours and channels share for the most part, uint8."""
    rng = np.random.RandomState(0)
    coarse = rng.uniform(0, 200, (num_images, 8, 8, 1))
    images = coarse.repeat(4, axis=1).repeat(4, axis=2)
    images = images + rng.uniform(0, 30, (num_images, 32, 32, 3))
    return (images + [0, 10, 20]).astype(np.uint8)


class WhiteningTest(parameterized.TestCase):
    def _responses(self, num_filters):
        """Returns what a model's adapted layer makes of the images."""
        inputs = keras.Input((32, 32, 3))
        x = blocks.normalize(inputs)
        model = keras.Model(
            inputs, whitening.whiten(x, num_filters, 3, strides=2)
        )
        whitening.adapt(model, _images())
        responses = model(_images() / np.float32(255)).numpy()
        return responses.reshape(-1, num_filters)

    def test_strong_responses_are_uncorrelated_and_of_variance_1(self):
        covariance = np.cov(self._responses(24)[:, :12].T)
        variances = covariance.diagonal()
        np.testing.assert_allclose(
            covariance, np.diag(variances), rtol=0, atol=1e-4
        )
        np.testing.assert_allclose(variances[:4], 1, atol=0.06)
        # The rest are noise for the most part, and are kept small.
        self.assertBetween(variances[4:].max(), 0.1, 0.5)

    def test_the_other_half_are_the_negatives(self):
        responses = self._responses(24)
        np.testing.assert_allclose(
            responses[:, 12:], -responses[:, :12], atol=1e-4
        )

    def test_components_come_by_their_variance(self):
        kernel = Whitening(np.diag([1.0, 100.0, 25.0]), epsilon=0.0)(
            (1, 1, 3, 4)
        )
        first, second = np.abs(kernel)[0, 0, :, :2].T
        np.testing.assert_allclose(first, [0, 0.1, 0], atol=1e-6)
        np.testing.assert_allclose(second, [0, 0, 0.2], atol=1e-6)

    def test_epsilon_keeps_noise_small(self):
        kernel = Whitening(np.diag([1.0, 0.0]), epsilon=0.01)((1, 1, 2, 4))
        self.assertAlmostEqual(np.abs(kernel).max(), 10, places=4)

    def test_patches_are_those_of_the_convolution(self):
        """The kernel's rows, columns and channels are in the right order."""
        images = _images(20) / 255
        images[:, 1::2] /= 2  # rows unlike columns
        patches = tf.image.extract_patches(
            images, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"
        )
        patches = tf.reshape(patches, [-1, 27]).numpy()
        np.testing.assert_allclose(
            Whitening.of(images, 3, 2).get_config()["covariance"],
            np.cov(patches.T, bias=True),
            atol=1e-6,
        )

    def test_config_round_trip(self):
        initializer = Whitening(np.diag([1.0, 4.0, 9.0]), epsilon=0.1)
        config = keras.saving.serialize_keras_object(initializer)
        again = keras.saving.deserialize_keras_object(config)
        self.assertIsInstance(again, Whitening)
        np.testing.assert_array_equal(
            again((1, 1, 3, 4)), initializer((1, 1, 3, 4))
        )
        self.assertEqual(again.get_config(), initializer.get_config())


class WhitenTest(absltest.TestCase):
    def test_there_are_as_many_filters_as_components(self):
        for filters in (23, 26):
            with self.assertRaisesRegex(ValueError, "even and at most 24"):
                whitening.whiten(blocks.image(), filters, 2, 1)


class AdaptTest(absltest.TestCase):
    def test_only_the_first_layer_changes_and_it_is_not_trained(self):
        model = build_model("speedrun_s")
        before = {w.path: w.numpy() for w in model.weights}
        whitening.adapt(model, _images(20))
        changed = {w.path for w in model.weights if np.any(w != before[w.path])}
        self.assertEqual(changed, {"whiten/kernel"})
        self.assertNoCommonElements(
            changed, {w.path for w in model.trainable_weights}
        )

    def test_training_leaves_it_alone(self):
        model = build_model("speedrun_s")
        images = _images(4)
        whitening.adapt(model, images)
        layer = model.get_layer("whiten")
        before = layer.get_weights()
        model.compile("sgd", "categorical_crossentropy")
        model.fit(images / 255, np.eye(10)[:4], verbose=0)
        for one, other in zip(before, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_other_models_stay_as_they_are(self):
        model = build_model("baseline")
        before = model.get_weights()
        whitening.adapt(model, _images(4))
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


if __name__ == "__main__":
    absltest.main()

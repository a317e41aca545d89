import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.evaluation import tta

_SHAPE = (5, 4, 2)


def _linear_model(num_classes=3):
    """Returns a model that looks at each pixel, and its weights."""
    inputs = keras.Input(_SHAPE)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(num_classes, activation="softmax")(x)
    model = keras.Model(inputs, x)
    kernel = np.random.RandomState(1).normal(size=(40, num_classes))
    model.set_weights([kernel, np.arange(num_classes)])
    return model, kernel


def _images(num_images):
    rng = np.random.RandomState(0)
    return rng.uniform(size=(num_images, *_SHAPE)).astype(np.float32)


def _predict(model, images, batch_size=4):
    labels = np.zeros(len(images))
    batches = tf.data.Dataset.from_tensor_slices((images, labels))
    return tta.predict(model, batches.batch(batch_size))


def _softmax(logits):
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


class PredictTest(absltest.TestCase):
    def test_is_the_softmax_of_the_weighted_mean_of_the_logits(self):
        model, kernel = _linear_model()
        images = _images(10)
        padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
        logits = 0
        # Where the crop starts, and the weight, as published.
        for start, weight in ((1, 1 / 4), (0, 1 / 8), (2, 1 / 8)):
            crop = padded[:, start : start + 5, start : start + 4]
            for view in (crop, np.flip(crop, axis=2)):
                z = view.reshape(len(view), -1) @ kernel + np.arange(3)
                logits += weight * z
        np.testing.assert_allclose(
            _predict(model, images), _softmax(logits), rtol=1e-4
        )

    def test_batches_do_not_matter(self):
        model, _ = _linear_model()
        images = _images(10)
        np.testing.assert_allclose(
            _predict(model, images, 3), _predict(model, images, 10), rtol=1e-5
        )

    def test_left_and_right_count_the_same(self):
        # The shifts are diagonal: mirrored views of an image are views of the
        # mirrored one only where nothing changes from top to bottom.
        model, _ = _linear_model()
        stripes = np.repeat(_images(6)[:, :1], 5, axis=1)
        np.testing.assert_allclose(
            _predict(model, stripes),
            _predict(model, stripes[:, :, ::-1]),
            rtol=1e-5,
        )


class AverageTest(absltest.TestCase):
    def test_weights(self):
        # View v is for class v.
        result = tta.average(_softmax(8.0 * np.eye(6)))
        expected = _softmax(np.array([[2.0, 2, 1, 1, 1, 1]]))
        np.testing.assert_allclose(result, expected, rtol=1e-6)
        self.assertEqual(result.dtype, np.float32)

    def test_certainty_is_no_infinity(self):
        sure = np.repeat(np.eye(3, dtype=np.float32), 6, axis=0)
        np.testing.assert_allclose(tta.average(sure), np.eye(3), atol=1e-9)


if __name__ == "__main__":
    absltest.main()

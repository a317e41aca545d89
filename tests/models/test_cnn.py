import keras
import numpy as np
from absl.testing import absltest

from cifar10_tf.models.building import build_model
from tests import fakes


class CnnTest(absltest.TestCase):
    def test_dropout_acts_in_training_only(self):
        images = np.ones((1, 32, 32, 3), np.float32)
        model = build_model("dropout")
        calm = [model(images, training=False).numpy() for _ in range(2)]
        wild = [model(images, training=True).numpy() for _ in range(2)]
        np.testing.assert_array_equal(*calm)
        self.assertFalse(np.array_equal(*wild))
        self.assertEqual(
            [
                x.rate
                for x in model.layers
                if isinstance(x, keras.layers.Dropout)
            ],
            [0.25, 0.25, 0.25, 0.5],
        )

    def test_learns(self):
        keras.utils.set_random_seed(1)
        images, labels = fakes.random_arrays(100, num_classes=2)
        x = images / 255 * (0.5 + 0.5 * labels)[:, None, None, None]
        model = build_model("dropout", num_classes=2)
        model.compile("rmsprop", "sparse_categorical_crossentropy")
        model.fit(x, labels, batch_size=10, epochs=6, verbose=0)
        self.assertLess(model.evaluate(x, labels, verbose=0), 0.1)


if __name__ == "__main__":
    absltest.main()

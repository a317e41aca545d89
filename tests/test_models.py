import keras
import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf import models, recipes
from tests import fakes

NUM_PARAMS = {"baseline": 669_354, "dropout": 669_354}


class ModelsTest(parameterized.TestCase):
    def tearDown(self):
        super().tearDown()
        keras.config.set_dtype_policy("float32")

    def test_every_model_has_a_golden_size_and_a_recipe(self):
        self.assertEqual(models.MODELS.keys(), NUM_PARAMS.keys())
        self.assertEqual(models.MODELS.keys(), recipes.RECIPES.keys())

    @parameterized.parameters(*NUM_PARAMS)
    def test_size_and_name(self, name):
        model = models.build_model(name)
        self.assertEqual(model.count_params(), NUM_PARAMS[name])
        self.assertEqual(model.name, name)

    @parameterized.product(
        name=list(NUM_PARAMS),
        policy=["float32", "mixed_float16", "mixed_bfloat16"],
    )
    def test_float32_probabilities_under_every_policy(self, name, policy):
        keras.config.set_dtype_policy(policy)
        model = models.build_model(name, num_classes=7)
        output = model(np.zeros((2, 32, 32, 3), np.float32)).numpy()
        self.assertEqual(output.dtype, np.float32)
        self.assertEqual(output.shape, (2, 7))
        np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)
        self.assertEqual(
            model.layers[1].compute_dtype, policy.removeprefix("mixed_")
        )

    def test_dropout_acts_in_training_only(self):
        images = np.ones((1, 32, 32, 3), np.float32)
        model = models.build_model("dropout")
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

    def test_unknown_name(self):
        with self.assertRaisesRegex(ValueError, "resnet99.*baseline"):
            models.build_model("resnet99")

    @parameterized.parameters(*NUM_PARAMS)
    def test_learns(self, name):
        keras.utils.set_random_seed(1)
        images, labels = fakes.random_arrays(100, num_classes=2)
        x = images / 255 * (0.5 + 0.5 * labels)[:, None, None, None]
        model = models.build_model(name, num_classes=2)
        model.compile("rmsprop", "sparse_categorical_crossentropy")
        model.fit(x, labels, batch_size=10, epochs=10, verbose=0)
        self.assertLess(model.evaluate(x, labels, verbose=0), 0.1)


if __name__ == "__main__":
    absltest.main()

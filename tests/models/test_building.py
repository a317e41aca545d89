import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.building import build_model, num_params
from cifar10_tf.settings.models import MODELS
from tests import fakes
from tests.models import families

# As the literature counts: without the statistics of batch normalisation.
NUM_PARAMS = {
    "baseline": 669_354,
    "dropout": 669_354,
    # github.com/kuangliu/pytorch-cifar: MobileNetV2, ResNet18, VGG("VGG16").
    "mobilenet_v2": 2_296_922,
    "resnet18": 11_173_962,
    "vgg16_bn": 14_728_266,
    # arXiv 1512.03385, table 6: 0.27 M and 0.85 M. In full, for instance, in
    # github.com/akamaster/pytorch_resnet_cifar10.
    "resnet20": 269_722,
    "resnet56": 853_018,
    # DeiT-Ti with 4x4 patches on 32x32 pixels has 5,362,762. Of these go the
    # class token, its position, and the bias that all patches share, 192 each.
    "vit_tiny": 5_362_186,
    # arXiv 2404.00498 has 1,971,640: with a bias of 24 after the whitening, and
    # without the head's.
    "speedrun_m": 1_971_626,
    "speedrun_l": 9_915_690,
    # Whitening 3 * 3 * 3 * 24, convolutions 9 * (24 * 32 + 32 * 32 +
    # 32 * 96 + 96 * 96), shifts 2 * (32 + 96), head 96 * 10 + 10.
    "speedrun_s": 128_594,
    # arXiv 1605.07146: 2.7 M and 36.5 M. In full in
    # github.com/osmr/imgclsmob (WRN-28-10).
    "wrn16_4": 2_748_890,
    "wrn28_10": 36_479_194,
}

_SMALLEST = families.smallest_of_each()


class BuildModelTest(parameterized.TestCase):
    def tearDown(self):
        super().tearDown()
        keras.config.set_dtype_policy("float32")

    def test_sizes_are_the_golden_ones(self):
        sizes = {name: model.num_params for name, model in MODELS.items()}
        self.assertEqual(sizes, sizes | NUM_PARAMS)

    def _build(self, name):
        """Returns the model; checks its size and name."""
        model = build_model(name)
        self.assertEqual(model.name, name)
        self.assertEqual(num_params(model), MODELS[name].num_params)
        return model

    @parameterized.parameters(*sorted(MODELS.keys() - _SMALLEST))
    def test_larger_ones(self, name):
        self._build(name)

    @parameterized.parameters(*_SMALLEST)
    def test_two_steps_of_training(self, name):
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = self._build(name)
        images, labels = fakes.random_arrays(2)
        optimizer = keras.optimizers.SGD(1e-3)
        for _ in range(2):
            with tf.GradientTape() as tape:
                probabilities = model(images / 255.0, training=True)
                loss = keras.losses.SparseCategoricalCrossentropy()(
                    labels, probabilities
                )
            self.assertTrue(np.isfinite(loss))
            self._assert_float32_head(model, probabilities, "bfloat16")
            weights = model.trainable_weights
            gradients = tape.gradient(loss, [w.value for w in weights])
            for weight, gradient in zip(weights, gradients, strict=True):
                self.assertIsNotNone(gradient, weight.path)
            optimizer.apply(gradients, weights)
        # In the second step: a head that starts at zero passes nothing on.
        for weight, gradient in zip(weights, gradients, strict=True):
            if weight.name == "kernel":  # in some places a bias is void
                self.assertTrue(np.any(gradient), weight.path)

    @parameterized.product(
        name=_SMALLEST,
        policy=["float32", "mixed_float16"],  # the third is above
    )
    def test_float32_probabilities_under_every_policy(self, name, policy):
        keras.config.set_dtype_policy(policy)
        # Untrained statistics don't normalise: with 4 of 25 seeds
        # mobilenet_v2 exceeds float16, with Keras's own layers too.
        keras.utils.set_random_seed(0)
        model = build_model(name, num_classes=7)
        images, _ = fakes.random_arrays(2)
        output = model(images / 255.0)
        self.assertEqual(output.shape, (2, 7))
        self._assert_float32_head(model, output, policy.removeprefix("mixed_"))

    def _assert_float32_head(self, model, output, compute_dtype):
        self.assertEqual(output.dtype, tf.float32)
        np.testing.assert_allclose(np.sum(output, axis=1), 1, rtol=1e-5)
        with_weights = [layer for layer in model.layers if layer.weights]
        self.assertEqual(
            {layer.compute_dtype for layer in with_weights[:-1]},
            {compute_dtype},
        )
        self.assertEqual(with_weights[-1].name, "probabilities")

    def test_unknown_name(self):
        with self.assertRaisesRegex(ValueError, "resnet99.*baseline"):
            build_model("resnet99")


if __name__ == "__main__":
    absltest.main()

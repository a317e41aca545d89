import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf import models, recipes
from cifar10_tf.models import blocks
from cifar10_tf.models.plain import in_plain_keras
from tests import fakes

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

# One of each family, small where there is a choice.
_FAMILIES = (
    "dropout", "mobilenet_v2", "resnet20", "speedrun_s", "vgg16_bn", "vit_tiny",
)  # fmt: skip

_LOAD_AND_COMPARE = """
import pathlib, sys, keras, numpy as np
for file in pathlib.Path(sys.argv[1]).glob("*.keras"):
    data = np.load(file.with_suffix(".npz"))
    model = keras.models.load_model(file)
    np.testing.assert_allclose(
        model(data["images"]), data["probabilities"], rtol=1e-5, atol=1e-6)
    print(file.stem)
assert "cifar10_tf" not in sys.modules
"""


class ModelsTest(parameterized.TestCase):
    def tearDown(self):
        super().tearDown()
        keras.config.set_dtype_policy("float32")

    def test_every_model_has_a_golden_size_and_a_recipe(self):
        self.assertEqual(models.MODELS.keys(), NUM_PARAMS.keys())
        self.assertEqual(models.MODELS.keys(), recipes.RECIPES.keys())

    def test_the_readme_has_their_sizes_and_epochs(self):
        readme = pathlib.Path(__file__).parents[1] / "README.md"
        rows = re.findall(
            r"^\| ((?:`\w+`(?:, )?)+) \| ([\d,]+) \| (\d+) \|",
            readme.read_text("utf-8"),
            re.MULTILINE,
        )
        stated = {
            name: (int(size.replace(",", "")), int(epochs))
            for listed, size, epochs in rows
            for name in re.findall(r"\w+", listed)
        }
        expected = {
            name: (size, recipes.RECIPES[name].epochs)
            for name, size in NUM_PARAMS.items()
        }
        self.assertEqual(stated, expected)

    @parameterized.parameters(*NUM_PARAMS)
    def test_size_name_and_two_steps_of_training(self, name):
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = models.build_model(name)
        self.assertEqual(model.name, name)
        self.assertEqual(models.num_params(model), NUM_PARAMS[name])
        images, labels = fakes.random_arrays(2)
        optimizer = keras.optimizers.SGD(1e-3)
        for _ in range(2):
            with tf.GradientTape() as tape:
                probabilities = model(images / 255.0, training=True)
                loss = keras.losses.SparseCategoricalCrossentropy()(
                    labels, probabilities
                )
            self.assertTrue(np.isfinite(loss))
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
        name=_FAMILIES, policy=["float32", "mixed_float16", "mixed_bfloat16"]
    )
    def test_float32_probabilities_under_every_policy(self, name, policy):
        keras.config.set_dtype_policy(policy)
        # Untrained statistics don't normalise: with 4 of 25 seeds
        # mobilenet_v2 exceeds float16, with Keras's own layers too.
        keras.utils.set_random_seed(0)
        model = models.build_model(name, num_classes=7)
        images, _ = fakes.random_arrays(2)
        output = model(images / 255.0).numpy()
        self.assertEqual(output.dtype, np.float32)
        self.assertEqual(output.shape, (2, 7))
        np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)
        with_weights = [layer for layer in model.layers if layer.weights]
        self.assertEqual(
            {layer.compute_dtype for layer in with_weights[:-1]},
            {policy.removeprefix("mixed_")},
        )
        self.assertEqual(with_weights[-1].name, "probabilities")

    def test_plain_keras_loads_what_was_saved(self):
        directory = pathlib.Path(self.create_tempdir().full_path)
        images, _ = fakes.random_arrays(2)
        images = np.float32(images / 255)
        for name in _FAMILIES:
            model = models.build_model(name)
            in_plain_keras(model).save(directory / f"{name}.keras")
            np.savez(
                directory / name, images=images, probabilities=model(images)
            )
        result = subprocess.run(
            [sys.executable, "-c", _LOAD_AND_COMPARE, directory],
            capture_output=True,
            text=True,
        )
        self.assertCountEqual(result.stdout.split(), _FAMILIES, result.stderr)

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

    @parameterized.parameters("baseline", "dropout")
    def test_learns(self, name):
        keras.utils.set_random_seed(1)
        images, labels = fakes.random_arrays(100, num_classes=2)
        x = images / 255 * (0.5 + 0.5 * labels)[:, None, None, None]
        model = models.build_model(name, num_classes=2)
        model.compile("rmsprop", "sparse_categorical_crossentropy")
        model.fit(x, labels, batch_size=10, epochs=10, verbose=0)
        self.assertLess(model.evaluate(x, labels, verbose=0), 0.1)


class InPlainKerasTest(parameterized.TestCase):
    @parameterized.product(name=_FAMILIES, policy=["float32", "mixed_bfloat16"])
    def test_computes_the_same_after_training(self, name, policy):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        model = models.build_model(name)
        images, _ = fakes.random_arrays(4)
        images = np.float32(images / 255)
        model(images, training=True)  # statistics other than the first
        random = np.random.RandomState(0)
        weights = [
            w + random.uniform(0, 0.03, w.shape) for w in model.get_weights()
        ]
        model.set_weights(weights)
        plain = in_plain_keras(model)
        self.assertEqual(plain.name, name)
        self.assertEqual(
            [(w.path, w.trainable) for w in plain.weights],
            [(w.path, w.trainable) for w in model.weights],
        )
        self.assertEqual(
            [layer.compute_dtype for layer in plain.layers],
            [layer.compute_dtype for layer in model.layers],
        )
        expected = model(images)
        # Of bfloat16's eight bits the last may round differently.
        atol = 1e-5 if policy == "float32" else 0.05
        np.testing.assert_allclose(plain(images), expected, atol=atol)
        self.assertGreater(np.ptp(expected), 0.01)
        for layer in plain.layers:
            self.assertStartsWith(type(layer).__module__, "keras.")

    def test_the_copy_has_weights_of_its_own(self):
        model = models.build_model("speedrun_s")
        plain = in_plain_keras(model)
        before = plain.get_weights()
        for weight in model.weights:
            weight.assign(weight + 1)
        for one, other in zip(before, plain.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_dropout_still_acts_in_training_only(self):
        images = np.ones((1, 32, 32, 3), np.float32)
        plain = in_plain_keras(models.build_model("dropout"))
        calm = [plain(images, training=False).numpy() for _ in range(2)]
        wild = [plain(images, training=True).numpy() for _ in range(2)]
        np.testing.assert_array_equal(*calm)
        self.assertFalse(np.array_equal(*wild))


class BlocksTest(parameterized.TestCase):
    @parameterized.parameters(
        lambda x, strides: blocks.conv(x, 4, strides=strides),
        lambda x, strides: blocks.conv(x, 4, 1, strides=strides),
        lambda x, strides: blocks.depthwise_conv(x, strides=strides),
    )
    def test_strides_keep_every_other_position(self, block):
        inputs = keras.Input((8, 8, 3))
        dense = keras.Model(inputs, block(inputs, strides=1))
        sparse = keras.Model(inputs, block(inputs, strides=2))
        sparse.set_weights(dense.get_weights())
        x = np.random.RandomState(0).normal(size=(2, 8, 8, 3))
        np.testing.assert_allclose(
            sparse(x), dense(x)[:, ::2, ::2], rtol=1e-5, atol=1e-6
        )

    def test_normalize(self):
        inputs = blocks.image()
        model = keras.Model(inputs, blocks.normalize(inputs))
        x = np.ones((1, 32, 32, 3), np.float32) * [0.4914, 0.4822, 0.7081]
        y = model(x)
        np.testing.assert_allclose(y[0, 0, 0], [0, 0, 1], atol=1e-5)
        self.assertEqual(model.count_params(), 0)

    @parameterized.parameters(
        lambda x: blocks.conv(x, 64), blocks.depthwise_conv
    )
    def test_initial_variance_is_that_of_he(self, block):
        # Unit variance in, 2 out: what ReLU halves.
        inputs = keras.Input((16, 16, 64))
        model = keras.Model(inputs, block(inputs))
        x = np.random.RandomState(0).normal(size=(8, 16, 16, 64))
        inner = model(x)[:, 1:-1, 1:-1]
        self.assertAlmostEqual(np.var(inner), 2, delta=0.4)


if __name__ == "__main__":
    absltest.main()

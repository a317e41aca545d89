import math

import keras
import numpy as np
from absl.testing import absltest, parameterized
from keras import layers

from cifar10_tf.optimizers import by_name
from cifar10_tf.optimizers.by_name import make_optimizer
from cifar10_tf.optimizers.schedules import make_schedule
from cifar10_tf.settings.optimizers import OPTIMIZERS

_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def _model():
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
    outputs = layers.Dense(2, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs)


class MakeOptimizerTest(parameterized.TestCase):
    def test_every_name_has_settings(self):
        self.assertEqual(by_name._OPTIMIZERS.keys(), OPTIMIZERS.keys())

    @parameterized.product(name=list(OPTIMIZERS), policy=_POLICIES)
    def test_trains_downhill(self, name, policy):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(1)
        rng = np.random.RandomState(0)
        images = rng.normal(size=(64, 6, 6, 3)).astype("float32")
        labels = np.eye(2)[(images.mean(axis=(1, 2, 3)) > 0).astype(int)]
        model = _model()
        optimizer = make_optimizer(
            name,
            model.trainable_variables,
            learning_rate=make_schedule(
                "one_cycle",
                peak=OPTIMIZERS[name]["learning_rate"],
                num_steps=40,
            ),
            weight_decay=0.01,
            ema=0.5,
        )
        model.compile(optimizer, "categorical_crossentropy")
        model.optimizer.build(model.trainable_variables)
        losses = []
        for _ in range(10):  # epochs; `fit` takes 0.3 s longer
            model.reset_metrics()
            for x, y in zip(
                np.split(images, 4), np.split(labels, 4), strict=True
            ):
                loss = model.train_on_batch(x, y)
            losses.append(loss)
        self.assertLess(losses[-1], 0.75 * losses[0])

    @parameterized.parameters(*OPTIMIZERS)
    def test_weight_decay_shrinks_kernels_alone(self, name):
        inputs = keras.Input((4, 6))
        x = layers.MultiHeadAttention(2, 3)(inputs, inputs)  # a 2-D bias
        x = layers.Embedding(5, 2)(layers.LayerNormalization()(x))
        model = keras.Model(inputs, layers.Dense(3)(x))
        variables = model.trainable_variables
        for variable in variables:
            variable.assign(np.ones(variable.shape))
        optimizer = make_optimizer(
            name, variables, learning_rate=0.5, weight_decay=0.2
        )
        nothing = [np.zeros(v.shape, "float32") for v in variables]
        optimizer.apply(nothing, variables)
        shrunk = {v.path for v in variables if np.all(v.numpy() != 1)}
        self.assertEqual(
            shrunk, {v.path for v in variables if v.name == "kernel"}
        )
        kernels = [v for v in variables if v.path in shrunk]
        # Muon gives its own kernels, all but the head, the size it wants.
        for variable in kernels[-1:] if name == "muon" else kernels:
            np.testing.assert_allclose(variable, 1 - 0.5 * 0.2)

    @parameterized.parameters(*OPTIMIZERS)
    def test_without_weight_decay(self, name):
        variables = [keras.Variable(np.ones([2, 2], "float32"), name="kernel")]
        optimizer = make_optimizer(
            name, variables, learning_rate=0.5, weight_decay=0.0
        )
        optimizer.apply([np.zeros([2, 2], "float32")], variables)
        np.testing.assert_array_equal(variables[0], 1)

    def test_the_average_is_of_the_weights(self):
        variable = keras.Variable([0.0], name="bias")
        optimizer = make_optimizer(
            "adam", [variable], learning_rate=0.1, ema=0.75
        )
        optimizer.build([variable])
        average = None
        for _ in range(3):
            optimizer.apply([np.ones(1, "float32")])
            value = float(variable[0])
            average = value if average is None else (3 * average + value) / 4
        optimizer.finalize_variable_values([variable])
        self.assertTrue(math.isclose(variable[0], average, rel_tol=1e-5))


if __name__ == "__main__":
    absltest.main()

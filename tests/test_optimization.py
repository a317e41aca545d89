import math

import keras
import numpy as np
from absl.testing import absltest, parameterized
from keras import layers

from cifar10_tf import optimization, recipes

_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def _schedule(name, **kwargs):
    return optimization.make_schedule(name, peak=0.8, **kwargs)


class MakeScheduleTest(parameterized.TestCase):
    def _assert_rates(self, schedule, expected):
        for step, rate in expected.items():
            np.testing.assert_allclose(
                schedule(step), rate, rtol=1e-5, atol=1e-7, err_msg=str(step)
            )

    def test_constant_is_a_number(self):
        self.assertEqual(_schedule("constant", num_steps=10), 0.8)

    def test_constant_after_warmup(self):
        schedule = _schedule("constant", num_steps=20, warmup=0.2)
        rates = {0: 0.16, 1: 0.32, 3: 0.64, 4: 0.8, 12: 0.8, 19: 0.8}
        self._assert_rates(schedule, rates)

    def test_linear(self):
        schedule = _schedule("linear", num_steps=10)
        self._assert_rates(schedule, {0: 0.8, 5: 0.4, 9: 0.08, 10: 0, 11: 0})

    def test_linear_after_warmup(self):
        schedule = _schedule("linear", num_steps=10, warmup=0.2)
        self._assert_rates(
            schedule, {0: 0.8 / 3, 1: 1.6 / 3, 2: 0.8, 6: 0.4, 9: 0.1, 10: 0}
        )

    def test_cosine_is_keras_cosine(self):
        schedule = _schedule("cosine", num_steps=100)
        expected = keras.optimizers.schedules.CosineDecay(0.8, 100)
        self._assert_rates(
            schedule, {step: expected(step) for step in (0, 1, 30, 50, 99, 100)}
        )

    def test_cosine_after_warmup(self):
        schedule = _schedule("cosine", num_steps=100, warmup=0.1)
        decay = keras.optimizers.schedules.CosineDecay(0.8, 90)
        expected = {step: decay(step - 10) for step in (10, 40, 99, 120)}
        self._assert_rates(schedule, {0: 0.8 / 11, 9: 8 / 11} | expected)

    def test_one_cycle(self):
        schedule = _schedule("one_cycle", num_steps=100, warmup=0.7)
        middle = (0.8 + 0.8 / 250_000) / 2
        self._assert_rates(
            schedule,
            {0: 0.032, 15: 0.416, 30: 0.8, 65: middle, 100: 0.8 / 250_000},
        )

    @parameterized.product(
        name=recipes.SCHEDULES, num_steps=[1, 2, 7], warmup=[0.0, 0.5, 0.99]
    )
    def test_rates_are_positive_in_every_step(self, name, num_steps, warmup):
        schedule = _schedule(name, num_steps=num_steps, warmup=warmup)
        for step in range(num_steps):
            rate = schedule(step) if callable(schedule) else schedule
            self.assertBetween(float(rate), 1e-7, 0.8 * (1 + 1e-6))

    @parameterized.parameters("cosine", "linear", "one_cycle")
    def test_config_round_trip(self, name):
        schedule = _schedule(name, num_steps=10, warmup=0.3)
        schedules = keras.optimizers.schedules
        again = schedules.deserialize(schedules.serialize(schedule))
        self.assertEqual(again.get_config(), schedule.get_config())
        self._assert_rates(again, {s: schedule(s) for s in range(10)})


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
        self.assertEqual(
            optimization._OPTIMIZERS.keys(), recipes.OPTIMIZERS.keys()
        )

    @parameterized.product(name=list(recipes.OPTIMIZERS), policy=_POLICIES)
    def test_trains_downhill(self, name, policy):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(1)
        rng = np.random.RandomState(0)
        images = rng.normal(size=(64, 6, 6, 3)).astype("float32")
        labels = np.eye(2)[(images.mean(axis=(1, 2, 3)) > 0).astype(int)]
        model = _model()
        optimizer = optimization.make_optimizer(
            name,
            model.trainable_variables,
            learning_rate=optimization.make_schedule(
                "one_cycle",
                peak=recipes.OPTIMIZERS[name]["learning_rate"],
                num_steps=40,
            ),
            weight_decay=0.01,
            ema=0.5,
        )
        model.compile(optimizer, "categorical_crossentropy")
        model.optimizer.build(model.trainable_variables)
        fit = model.fit(images, labels, batch_size=16, epochs=10, verbose=0)
        losses = fit.history["loss"]
        self.assertLess(losses[-1], 0.75 * losses[0])

    @parameterized.parameters(*recipes.OPTIMIZERS)
    def test_weight_decay_shrinks_kernels_alone(self, name):
        inputs = keras.Input((4, 6))
        x = layers.MultiHeadAttention(2, 3)(inputs, inputs)  # a 2-D bias
        x = layers.Embedding(5, 2)(layers.LayerNormalization()(x))
        model = keras.Model(inputs, layers.Dense(3)(x))
        variables = model.trainable_variables
        for variable in variables:
            variable.assign(np.ones(variable.shape))
        optimizer = optimization.make_optimizer(
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

    @parameterized.parameters(*recipes.OPTIMIZERS)
    def test_without_weight_decay(self, name):
        variables = [keras.Variable(np.ones([2, 2], "float32"), name="kernel")]
        optimizer = optimization.make_optimizer(
            name, variables, learning_rate=0.5, weight_decay=0.0
        )
        optimizer.apply([np.zeros([2, 2], "float32")], variables)
        np.testing.assert_array_equal(variables[0], 1)

    def test_the_average_is_of_the_weights(self):
        variable = keras.Variable([0.0], name="bias")
        optimizer = optimization.make_optimizer(
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

import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized
from keras import layers

from cifar10_tf.optimizers import muon

_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def _gradient(*shape):
    return tf.constant(np.random.RandomState(0).normal(size=shape), tf.float32)


def _model():
    """A model with each kind of variable; the head's kernel is the last."""
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, name="conv")(inputs)
    x = layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dense(32, activation="relu", name="dense")(layers.Flatten()(x))
    outputs = layers.Dense(10, name="head")(x)
    return keras.Model(inputs, outputs)


class OrthogonalizeTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(keras.config.set_dtype_policy, "float32")

    @parameterized.product(
        policy=_POLICIES, shape=[(576, 64), (27, 64), (50, 200), (20, 10)]
    )
    def test_singular_values_come_near_1(self, policy, shape):
        keras.config.set_dtype_policy(policy)
        gradient = 1e-3 * _gradient(*shape)
        result = muon.orthogonalize(gradient)
        self.assertEqual(result.dtype, tf.float32)
        u, before, vt = np.linalg.svd(gradient, full_matrices=False)
        after = np.diag(u.T @ result.numpy() @ vt.T)
        self.assertBetween(after.min(), 0.6, 1.25)
        self.assertBetween(after.max(), 0.6, 1.25)
        self.assertGreater(before.max() / before.min(), 1.5)
        # The singular vectors stay what they were.
        np.testing.assert_allclose(
            result, u @ np.diag(after) @ vt, rtol=0, atol=0.05
        )

    def test_nothing_stays_nothing(self):
        np.testing.assert_array_equal(muon.orthogonalize(tf.zeros([3, 2])), 0)


class MuonTest(parameterized.TestCase):
    def _step(self, variable, gradient, **kwargs):
        """Returns the change by one step, of a network with another head."""
        head = keras.Variable(tf.zeros([2, 2]), name="kernel")
        optimizer = muon.Muon(**kwargs)
        before = variable.numpy()
        optimizer.apply([gradient, tf.ones([2, 2])], [variable, head])
        return variable.numpy() - before

    @parameterized.parameters((3, 3, 4, 8), (3, 3, 16, 32), (40, 20), (20, 80))
    def test_a_kernel_changes_by_the_rate(self, *shape):
        value = _gradient(*shape)
        value *= shape[-1] ** 0.5 / tf.norm(value)
        kernel = keras.Variable(value, name="kernel")
        change = self._step(
            kernel, _gradient(*shape), learning_rate=0.5, momentum=0.0
        )
        matrix = change.reshape(-1, shape[-1])
        norms = np.linalg.svd(matrix, compute_uv=False) / 0.5
        self.assertBetween(norms.min(), 0.6, 1.25)
        self.assertBetween(norms.max(), 0.6, 1.25)
        # Downhill.
        self.assertLess(np.sum(change * _gradient(*shape).numpy()), 0)

    def test_the_size_of_a_kernel_is_of_no_account(self):
        results = []
        for scale in (1.0, 100.0):
            kernel = keras.Variable(scale * _gradient(40, 20), name="kernel")
            self._step(kernel, _gradient(20, 40, 1)[..., 0].numpy().T)
            results.append(kernel.numpy())
        np.testing.assert_allclose(*results, atol=1e-5)

    def test_the_momentum_is_nesterovs(self):
        first, second = _gradient(8, 4), 5.0 * tf.eye(8, 4)
        seen = []
        orthogonalize = muon.orthogonalize
        self.enter_context(
            absltest.mock.patch.object(
                muon,
                "orthogonalize",
                lambda m: seen.append(m.numpy()) or orthogonalize(m),
            )
        )
        variables = [
            keras.Variable(tf.zeros([8, 4]), name="kernel"),
            keras.Variable(tf.zeros([2, 2]), name="kernel"),
        ]
        optimizer = muon.Muon(momentum=0.5)
        for gradient in (first, second):
            optimizer.apply([gradient, tf.ones([2, 2])], variables)
        np.testing.assert_allclose(seen[0], 1.5 * first)
        velocity = 0.5 * first + second
        np.testing.assert_allclose(seen[1], second + 0.5 * velocity)

    def test_the_others_are_adams(self):
        """The same as keras.optimizers.Adam at the ratio's rate."""
        model = _model()
        not_adams = ("conv/kernel", "dense/kernel", "head/kernel")
        others = [
            v for v in model.trainable_variables if v.path not in not_adams
        ]
        self.assertLen(others, 6)
        adam = keras.optimizers.Adam(0.02)
        twins = [keras.Variable(v, name=v.name) for v in others]
        optimizer = muon.Muon(0.2, adam_ratio=0.1)
        for step in range(3):
            gradients = [
                tf.constant(
                    np.random.RandomState(step).normal(size=v.shape), tf.float32
                )
                for v in model.trainable_variables
            ]
            optimizer.apply(gradients, model.trainable_variables)
            by_id = {
                id(v): g
                for v, g in zip(
                    model.trainable_variables, gradients, strict=True
                )
            }
            adam.apply([by_id[id(v)] for v in others], twins)
        for variable, twin in zip(others, twins, strict=True):
            np.testing.assert_allclose(variable, twin, atol=1e-5)

    def test_attentions_kernels_are_adams(self):
        """Theirs have heads for an axis: no matrix of inputs and outputs."""
        kernel, twin = (
            keras.Variable(tf.ones([4, 2, 3]), name="kernel") for _ in range(2)
        )
        gradient = _gradient(4, 2, 3)
        change = self._step(kernel, gradient, learning_rate=0.2, adam_ratio=0.1)
        keras.optimizers.Adam(0.02).apply([gradient], [twin])
        np.testing.assert_allclose(change, twin.numpy() - 1, atol=1e-6)

    def test_the_head_is_nesterov_sgds(self):
        """The same as keras.optimizers.SGD at the ratio's rate."""
        body, head, twin = (
            keras.Variable(tf.ones([4, 4]), name="kernel") for _ in range(3)
        )
        optimizer = muon.Muon(0.2, momentum=0.6, sgd_ratio=0.5)
        sgd = keras.optimizers.SGD(0.1, momentum=0.6, nesterov=True)
        for step in range(3):
            gradient = (step + 1.0) * _gradient(4, 4)
            optimizer.apply([_gradient(4, 4), gradient], [body, head])
            sgd.apply([gradient], [twin])
        np.testing.assert_allclose(head, twin, atol=1e-6)

    def test_kernels_need_one_variable_only(self):
        """Momentum for all, Adam's second moment for what is Adam's."""
        model = _model()
        optimizer = muon.Muon()
        optimizer.build(model.trainable_variables)
        velocities = [v for v in optimizer.variables if "velocity" in v.path]
        self.assertLen(velocities, len(model.trainable_variables) - 3)

    def test_config_round_trip(self):
        schedule = keras.optimizers.schedules.CosineDecay(0.3, 10)
        optimizer = muon.Muon(
            schedule, momentum=0.7, sgd_ratio=0.3, adam_ratio=0.2,
            weight_decay=0.1, use_ema=True, ema_momentum=0.5,
        )  # fmt: skip
        config = keras.optimizers.serialize(optimizer)
        again = keras.optimizers.deserialize(config)
        self.assertIsInstance(again, muon.Muon)
        self.assertEqual(again.get_config(), optimizer.get_config())

    def test_a_saved_model_goes_on_where_it_was(self):
        images, labels = _gradient(32, 6, 6, 3), np.arange(32) % 10
        model = _model()
        model.compile(muon.Muon(), "mse")
        model.fit(images, np.eye(10)[labels], shuffle=False, verbose=0)
        path = pathlib.Path(self.create_tempdir().full_path) / "model.keras"
        model.save(path)
        again = keras.models.load_model(path)
        for copy in (model, again):
            copy.fit(images, np.eye(10)[labels], shuffle=False, verbose=0)
        for one, other in zip(
            model.optimizer.variables, again.optimizer.variables, strict=True
        ):
            np.testing.assert_allclose(one, other, atol=1e-6)


if __name__ == "__main__":
    absltest.main()

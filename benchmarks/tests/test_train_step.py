import json
import pathlib

import keras
import train_step
from absl.testing import absltest, parameterized
from keras import layers

from cifar10_tf.models.building import build_model
from cifar10_tf.models.layers.conv_before_pooling import ConvBeforePooling
from cifar10_tf.settings.models import MODELS

_COUNTED = pathlib.Path(__file__).parents[2] / "docs" / "train_flops.json"


class TrainFlopsTest(parameterized.TestCase):
    def test_by_hand(self):
        inputs = keras.Input((8, 8, 3))
        x = layers.Rescaling(2.0)(inputs)
        x = layers.Conv2D(4, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.Conv2D(6, 3, strides=2, groups=2)(x)
        x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
        x = layers.Flatten()(x)
        model = keras.Model(inputs, layers.Dense(10)(x))
        first = 8 * 8 * (3 * 3 * 3) * 4
        grouped = 3 * 3 * (3 * 3 * 4 // 2) * 6
        depthwise = 3 * 3 * (3 * 3) * 6 * 2
        dense = (3 * 3 * 12) * 10
        self.assertEqual(
            train_step.train_flops(model),
            # Forwards, for the kernels, and for all inputs but the image.
            2 * (2 * first + 3 * (grouped + depthwise + dense)),
        )

    @parameterized.parameters(
        # Which kernels learn, and the passes of both layers.
        (True, True, 2, 3),
        (True, False, 2, 2),
        (False, True, 1, 2),
        (False, False, 1, 1),
    )
    def test_frozen_kernels(self, first, second, *passes):
        inputs = keras.Input((5,))
        x = layers.Dense(7, use_bias=False, trainable=first)(inputs)
        model = keras.Model(inputs, layers.Dense(3, trainable=second)(x))
        self.assertEqual(
            train_step.train_flops(model),
            2 * (passes[0] * 5 * 7 + passes[1] * 7 * 3),
        )

    def test_a_frozen_kernel_with_a_bias_that_learns(self):
        inputs = keras.Input((5,))
        layer = layers.Dense(7)
        model = keras.Model(inputs, layers.Dense(3)(layer(inputs)))
        layer.kernel.trainable = False
        self.assertEqual(train_step.train_flops(model), 2 * (5 * 7 + 3 * 7 * 3))

    def test_branches(self):
        inputs = keras.Input((5,))
        x = layers.Dense(5)(inputs)
        both = layers.Concatenate()([inputs, x])
        model = keras.Model(inputs, [layers.Dense(2)(both), x])
        self.assertEqual(
            train_step.train_flops(model), 2 * (2 * 5 * 5 + 3 * 10 * 2)
        )

    def test_attention(self):
        inputs = keras.Input((6, 2, 5))
        x = layers.EinsumDense("abcd,cde->abe", (6, 8), bias_axes="be")(inputs)
        x = layers.MultiHeadAttention(2, 3)(x, x)
        model = keras.Model(inputs, x)
        embedding = 6 * (2 * 5) * 8
        # Queries, keys, values and outputs of 8; the heads together have 6.
        projections = 6 * (4 * 8 * 6)
        # Scores, and averages of values.
        products = 2 * (6 * 6 * 6)
        self.assertEqual(
            train_step.train_flops(model),
            2 * (2 * embedding + 3 * (projections + products)),
        )

    def test_gradients_pass_through_operations_without_a_layer(self):
        inputs = keras.Input((4,))
        x = keras.ops.pad(layers.Dense(5)(inputs)[:, 1:], ((0, 0), (0, 2)))
        model = keras.Model(inputs, layers.Dense(3)(x))
        self.assertEqual(
            train_step.train_flops(model), 2 * (2 * 4 * 5 + 3 * 6 * 3)
        )

    def test_what_a_pooling_drops_counts(self):
        inputs = keras.Input((7, 7, 3))
        x = ConvBeforePooling(4, 3, padding="same", use_bias=False)(inputs)
        self.assertEqual(
            train_step.train_flops(keras.Model(inputs, x)),
            2 * 2 * (7 * 7) * (3 * 3 * 3 * 4),
        )

    def test_what_it_can_not_count(self):
        inputs = keras.Input((8, 8, 3))
        model = keras.Model(inputs, layers.Conv2DTranspose(4, 3)(inputs))
        with self.assertRaisesRegex(NotImplementedError, "Conv2DTranspose"):
            train_step.train_flops(model)

    @parameterized.parameters(*MODELS)
    def test_every_model_can_be_counted(self, name):
        flops = train_step.train_flops(build_model(name))
        self.assertGreater(flops, 10**6)
        # What docs/scaling.md says; --count brings it up to date.
        counted = json.loads(_COUNTED.read_text("utf-8"))
        self.assertEqual(counted.get(name, flops), flops)


class RateTest(absltest.TestCase):
    def test_a_measurement_runs_for_about_the_time_given(self):
        now, calls = 0.0, 0

        def run():
            nonlocal now, calls
            now += 0.25 if calls else 10.0  # the first traces
            calls += 1

        clock = absltest.mock.patch.object(
            train_step.time, "perf_counter", lambda: now
        )
        with clock:
            measure = train_step._call_rate(run, lambda: None, sec=2.0)
            self.assertEqual(measure(), 4.0)
            before = calls
            self.assertEqual(measure(), 4.0)
        self.assertEqual(calls - before, 8)

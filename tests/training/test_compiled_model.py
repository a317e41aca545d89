from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.settings.config import make_config
from cifar10_tf.training.compiled_model import compiled_model
from tests import fakes


class CompiledModelTest(absltest.TestCase):
    def test_the_settings_reach_the_optimizer(self):
        config = make_config(
            optimizer="sgd", schedule="linear", learning_rate=0.5, warmup=0.2,
            weight_decay=0.3, ema=0.9, label_smoothing=0.1,
        )  # fmt: skip
        model = compiled_model(config, num_classes=10, num_steps=10)
        optimizer = model.optimizer
        self.assertIsInstance(optimizer, keras.optimizers.SGD)
        self.assertEqual(optimizer.weight_decay, 0.3)
        self.assertEqual(optimizer.ema_momentum, 0.9)
        self.assertEqual(model.loss.label_smoothing, 0.1)
        for step, rate in (2, 0.5), (6, 0.25), (10, 0.0):
            optimizer.iterations.assign(step)
            self.assertAlmostEqual(float(optimizer.learning_rate), rate)

    def test_float16_scales_its_loss_and_others_do_not(self):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        scaled = keras.optimizers.LossScaleOptimizer
        for policy in ("mixed_float16", "mixed_bfloat16", "float32"):
            keras.config.set_dtype_policy(policy)
            model = compiled_model(make_config(), num_classes=10, num_steps=9)
            self.assertEqual(
                isinstance(model.optimizer, scaled), policy == "mixed_float16"
            )

    def test_the_first_step_is_traced_once(self):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        images, labels = fakes.random_arrays(4)
        train_step = keras.Model.train_step
        for policy in ("mixed_float16", "float32"):
            keras.config.set_dtype_policy(policy)
            # On CPUs float16 takes seconds for some images of a larger one.
            config = make_config(model="speedrun_s")
            model = compiled_model(config, num_classes=10, num_steps=9)
            with mock.patch.object(
                keras.Model, "train_step", autospec=True, side_effect=train_step
            ) as traced:
                model.fit(
                    images / 255, np.eye(10)[labels], batch_size=2, verbose=0
                )
            traced.assert_called_once()

    def test_xla_compiles_the_step_where_there_is_a_gpu(self):
        model = compiled_model(make_config(), num_classes=10, num_steps=9)
        has_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.assertEqual(model.jit_compile, has_gpu)  # Keras's choice


if __name__ == "__main__":
    absltest.main()

import keras
import numpy as np
from absl.testing import absltest

from cifar10_tf.training.callbacks.averaged_validation import (
    AveragedValidation,
)


class AveragedValidationTest(absltest.TestCase):
    def _fit(self, policy, *callbacks_, validate=True):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        x = np.array([[0.25], [0.5]], np.float32)  # else float16 overflows
        model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
        )
        model.set_weights([np.array([[0.3]])])
        model.compile(
            keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9),
            "mse",
        )
        weights = []
        log = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: weights.append(
                float(model.get_weights()[0][0, 0])
            )
        )
        history = model.fit(
            x, -x, batch_size=1, epochs=3, shuffle=False, verbose=0,
            validation_data=(x, 0 * x) if validate else None,
            callbacks=[log, *callbacks_],
        ).history  # fmt: skip
        return weights, model, history.get("val_loss")

    def test_validates_and_ends_with_averages_and_trains_without(self):
        for policy in ("float32", "mixed_float16"):
            expected, _, _ = self._fit(policy, validate=False)
            weights, model, losses = self._fit(policy, AveragedValidation())
            self.assertEqual(weights, expected)  # to the bit
            averages = [weights[0]]
            for weight in weights[1:]:
                averages.append(0.9 * averages[-1] + 0.1 * weight)
            np.testing.assert_allclose(
                losses, 0.15625 * np.square(averages[1::2]), rtol=0.01
            )
            np.testing.assert_allclose(
                model.get_weights()[0][0, 0], averages[-1], rtol=1e-5
            )


if __name__ == "__main__":
    absltest.main()

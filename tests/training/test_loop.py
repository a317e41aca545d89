import contextlib
import io
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.runs import checkpoint
from cifar10_tf.training import loop
from cifar10_tf.training.callbacks.averaged_validation import (
    AveragedValidation,
)

_STEPS, _EPOCHS = 3, 2


def _model(run_eagerly=True):
    """Returns a new one; tracing would take longer than its steps."""
    keras.utils.clear_session()  # the same names
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9),
        "categorical_crossentropy",
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        run_eagerly=run_eagerly,
    )
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, np.zeros((1, 2)), np.zeros((1, 2)))
    model.reset_metrics()
    return model


def _batches(first_step=0):
    rng = np.random.RandomState(0)
    x = rng.rand(_STEPS * _EPOCHS, 5, 4).astype(np.float32)
    y = np.eye(2, dtype=np.float32)[rng.randint(0, 2, x.shape[:2])]
    return tf.data.Dataset.from_tensor_slices((x, y)).skip(first_step)


class _Saver(keras.callbacks.Callback):
    """Captures the state after each step."""

    def __init__(self):
        super().__init__()
        self.states = []

    def on_train_batch_end(self, batch, logs=None):
        self.states.append(checkpoint.capture(self.model))


class FitTest(absltest.TestCase):
    def _fit(self, model, step=0, first_epoch=0):
        saver, history = _Saver(), keras.callbacks.History()
        loop.fit(
            model,
            {first_epoch: _batches(step)},
            epochs=_EPOCHS,
            steps_per_epoch=_STEPS,
            first_epoch=first_epoch,
            first_batch=step - first_epoch * _STEPS,
            validation=_batches().take(2),
            callbacks=[AveragedValidation(), saver, history],
        )
        return model.get_weights(), history.history, saver.states

    def _said(self, first_batch):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            loop.fit(
                _model(),
                {0: _batches(first_batch)},
                epochs=2,
                steps_per_epoch=_STEPS,
                first_batch=first_batch,
                verbose=2,
            )
        return re.findall(r"^(\d/\d) - ", said.getvalue(), re.M)

    def test_the_rate_is_that_of_the_steps_made_here(self):
        self.assertEqual(self._said(0), ["3/3", "3/3"])
        self.assertEqual(self._said(1), ["2/2", "3/3"])
        # Of which the validation is left.
        self.assertEqual(self._said(3), ["3/3", "3/3"])

    def test_the_loss_is_read_back_now_and_then(self):
        steps = []
        reader = keras.callbacks.LambdaCallback()
        reader.on_train_batch_end = lambda batch, logs: steps.append(
            (batch, bool(logs))
        )
        loop.fit(
            _model(), {0: _batches()}, epochs=1, steps_per_epoch=_STEPS,
            callbacks=[reader], read_every=2,
        )  # fmt: skip
        # Every second one, and the epoch's last.
        self.assertEqual(steps, [(0, False), (1, True), (2, True)])

    def test_is_as_fit(self):
        expected = _model(run_eagerly=False)
        history = expected.fit(
            _batches(),
            epochs=_EPOCHS,
            steps_per_epoch=_STEPS,
            validation_data=_batches().take(2),
            callbacks=[AveragedValidation()],
            shuffle=False,
            verbose=0,
        ).history
        weights, logs, _ = self._fit(_model(run_eagerly=False))
        for one, other in zip(expected.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)
        self.assertEqual(logs, history)

    @pytest.mark.slow
    def test_goes_on_from_any_step(self):
        weights, logs, states = self._fit(_model())
        # After the last step of an epoch it is validated or not.
        for step, first_epoch in (1, 0), (3, 0), (3, 1), (5, 1), (6, 1):
            model = _model()
            checkpoint.restore(model, states[step - 1])
            again, rest, _ = self._fit(model, step, first_epoch)
            for one, other in zip(weights, again, strict=True):
                np.testing.assert_array_equal(one, other)
            self.assertEqual(
                rest, {name: v[first_epoch:] for name, v in logs.items()}
            )

    def test_other_batches_from_an_epoch_on(self):
        first, second = _batches().take(_STEPS), _batches().skip(1)
        weights = []
        for batches in {0: first.concatenate(second)}, {0: first, 1: second}:
            model = _model()
            loop.fit(model, batches, epochs=2, steps_per_epoch=_STEPS)
            weights.append(model.get_weights())
        for one, other in zip(*weights, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_layers_know_the_size_of_later_images(self):
        sizes = []

        class Seeing(keras.layers.Layer):
            def call(self, images):
                sizes.append(images.shape[1])
                return images

        def batches(size):
            x, y = np.ones((1, 2, size, size, 2)), np.ones((1, 2, 2))
            return tf.data.Dataset.from_tensor_slices((x, y)).repeat()

        inputs = keras.Input((None, None, 2))
        outputs = keras.layers.GlobalAveragePooling2D()(Seeing()(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        sizes.clear()
        loop.fit(
            model, {0: batches(3), 1: batches(5)}, epochs=3, steps_per_epoch=2
        )
        self.assertEqual(sizes, [3, 5])

    def test_a_state_without_its_seeds_ends_elsewhere(self):
        weights, _, states = self._fit(_model())
        model = _model()
        state = [
            np.zeros_like(array) if "seed" in path else array
            for array, (path, _, _) in zip(
                states[0], checkpoint.describe(model), strict=True
            )
        ]
        checkpoint.restore(model, state)
        again, _, _ = self._fit(model, 1)
        self.assertFalse(np.array_equal(weights[0], again[0]))


if __name__ == "__main__":
    absltest.main()

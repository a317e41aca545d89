"""Validation with the moving averages of the weights."""

import keras


class AveragedValidation(keras.callbacks.Callback):
    """Validates with the moving averages of the weights in place of them.

    For an optimizer with `use_ema`; `fit` itself leaves the averages in the
    model at its end. Keras's own SwapEMAWeights swaps by adding and
    subtracting, which rounds: whether a run validates would change what it
    learns. The statistics of BatchNormalization, which average over steps
    already, stay as they are. Comes after Throughput: it is no training.
    """

    def on_test_begin(self, logs=None):
        variables = self.model.trainable_variables
        self._latest = [keras.ops.copy(variable) for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)

    def on_test_end(self, logs=None):
        variables = self.model.trainable_variables
        for variable, value in zip(variables, self._latest, strict=True):
            variable.assign(value)
        del self._latest

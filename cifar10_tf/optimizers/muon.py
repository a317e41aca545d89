"""Muon: an optimizer that orthogonalizes the updates of kernels."""

import math

import keras
import numpy as np
import tensorflow as tf

# Of the Newton-Schulz iteration x -> a x + b (x x') x + c (x x')^2 x. In three,
# singular values from 0.02 to 1 come to 0.7 to 1.2; smaller ones grow 40-fold.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_NUM_ITERATIONS = 3

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7


@keras.saving.register_keras_serializable(package="cifar10_tf")
class Muon(keras.optimizers.Optimizer):
    """Muon for kernels of convolutional and dense layers, Adam for the rest.

    The head, which is taken to be the last kernel, is Nesterov SGD's; the rest
    are depthwise kernels, attention's, and whatever is no kernel.
    keras.optimizers.Muon leaves convolutions to Adam, too. A kernel is brought
    back to the norm sqrt(number of outputs) before each step, so that the rate
    means the same from the first to the last; weight decay of it has no
    effect. Source: Jordan et al., kellerjordan.github.io/posts/muon;
    norm, momentum and number of iterations as in their CIFAR-10 record.

    Args:
        learning_rate: of Muon, a float or a LearningRateSchedule. About the
            spectral norm of a kernel's change in a step.
        momentum: Nesterov's, of Muon and SGD.
        sgd_ratio: SGD's learning rate as a multiple of Muon's.
        adam_ratio: Adam's learning rate as a multiple of Muon's.
        name: of the optimizer, as `kwargs` an argument of all of Keras's.
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.6,
        sgd_ratio=0.5,
        adam_ratio=0.1,
        name="muon",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = momentum
        self.sgd_ratio = sgd_ratio
        self.adam_ratio = adam_ratio

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        # By position: Keras's variables come to update_step as TensorFlow's.
        is_kernel = [_is_kernel(v) for v in variables]
        self._head = max(np.flatnonzero(is_kernel), default=None)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        # Those without are Muon's, and the head.
        self._velocities = [
            None if kernel else self.add_variable_from_reference(v, "velocity")
            for v, kernel in zip(variables, is_kernel, strict=True)
        ]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        if velocity is not None:
            update = self.adam_ratio * self._adam(gradient, momentum, velocity)
        else:
            self.assign(momentum, self.momentum * momentum + gradient)
            update = gradient + self.momentum * momentum
            if index == self._head:
                update = self.sgd_ratio * update
            else:
                update = tf.reshape(
                    orthogonalize(_as_matrix(update)), variable.shape
                )
                norm = math.sqrt(variable.shape[-1])
                scale = norm / (tf.norm(variable) + _EPSILON)
                self.assign(variable, variable * scale)
        self.assign_sub(variable, learning_rate * update)

    def _adam(self, gradient, momentum, velocity):
        self.assign_add(momentum, (1 - _BETA_1) * (gradient - momentum))
        self.assign_add(velocity, (1 - _BETA_2) * (gradient**2 - velocity))
        step = tf.cast(self.iterations + 1, gradient.dtype)
        unbiased = momentum / (1 - _BETA_1**step)
        spread = tf.sqrt(velocity / (1 - _BETA_2**step))
        return unbiased / (spread + _EPSILON)

    def get_config(self):
        return super().get_config() | {
            "momentum": self.momentum,
            "sgd_ratio": self.sgd_ratio,
            "adam_ratio": self.adam_ratio,
        }


def orthogonalize(matrix: tf.Tensor) -> tf.Tensor:
    """Brings a matrix's large singular values near to 1; keeps its vectors.

    Multiplies in the global policy's compute dtype, which the hardware gains
    from: not every GPU or CPU does from bfloat16, which is precise enough.

    Args:
        matrix: float [rows, columns].
    """
    dtype = keras.config.dtype_policy().compute_dtype
    # Frobenius's norm is at least the largest singular value.
    x = tf.cast(matrix / (tf.norm(matrix) + _EPSILON), dtype)
    is_wide = x.shape[0] < x.shape[1]
    for _ in range(_NUM_ITERATIONS):
        # Of x x' and x' x, the smaller one.
        gram = tf.matmul(x, x, transpose_a=not is_wide, transpose_b=is_wide)
        factor = _B * gram + _C * tf.matmul(gram, gram)
        x = _A * x + (factor @ x if is_wide else x @ factor)
    return tf.cast(x, matrix.dtype)


def _as_matrix(kernel):
    """Returns [..., out] as [rest, out]."""
    return tf.reshape(kernel, [-1, kernel.shape[-1]])


def _is_kernel(variable) -> bool:
    # A depthwise one, [height, width, channels, 1], is many vectors;
    # attention's have axes for the heads among the inputs or the outputs.
    return (
        variable.name.endswith("kernel")
        and variable.shape[-1] > 1
        and len(variable.shape) != 3
    )

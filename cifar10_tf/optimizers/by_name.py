"""Optimizers by name, on Keras's own classes."""

from collections.abc import Sequence

import keras
from keras.optimizers.schedules import LearningRateSchedule

from cifar10_tf.optimizers.muon import Muon

_OPTIMIZERS = {
    "sgd": lambda **kwargs: keras.optimizers.SGD(
        momentum=0.9, nesterov=True, **kwargs
    ),
    "adam": keras.optimizers.Adam,
    # Keras's Adam decouples its weight decay; its AdamW does no more, and
    # refuses to go without.
    "adamw": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "muon": Muon,
}


def make_optimizer(
    name: str,
    variables: Sequence[keras.Variable],
    *,
    learning_rate: float | LearningRateSchedule,
    weight_decay: float = 0.0,
    ema: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Returns the optimizer of that name; SGD with Nesterov momentum 0.9.

    The weight decay is decoupled (Loshchilov & Hutter, arXiv 1711.05101): a
    step takes learning_rate * weight_decay * weight off each weight. It is for
    kernels alone: not for biases, normalisation or embeddings.

    Args:
        name: of `settings.optimizers.OPTIMIZERS`.
        variables: what it will train.
        learning_rate: as `schedules.make_schedule` returns it.
        weight_decay: 0 for none.
        ema: decay of the moving average of the weights that the optimizer
            keeps, and that `fit` leaves in the model; 0 for none.
    """
    optimizer = _OPTIMIZERS[name](
        learning_rate=learning_rate,
        weight_decay=weight_decay or None,
        use_ema=ema > 0,
        ema_momentum=ema,
    )
    # By the name, which Keras's layers share: an attention's biases are
    # matrices.
    optimizer.exclude_from_weight_decay(
        [v for v in variables if not v.name.endswith("kernel")]
    )
    return optimizer

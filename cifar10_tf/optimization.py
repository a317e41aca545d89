"""Optimizers and learning rate schedules by name, on Keras's own classes."""

import math
from collections.abc import Sequence

import keras
from keras.optimizers.schedules import LearningRateSchedule

from cifar10_tf.muon import Muon

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
        name: of `recipes.OPTIMIZERS`.
        variables: what it will train.
        learning_rate: as `make_schedule` returns it.
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


def make_schedule(
    name: str, *, peak: float, num_steps: int, warmup: float = 0.0
) -> float | LearningRateSchedule:
    """Returns the learning rate as a function of the step.

    constant; cosine (Loshchilov & Hutter, arXiv 1608.03983) and linear fall to
    0 at the end. These rise linearly at first, in `warmup` of all steps.
    one_cycle (Smith & Topin, arXiv 1708.07120, with PyTorch's numbers) rises
    from peak / 25 in 30 % of the steps and falls to peak / 250,000, along
    cosines.

    Args:
        name: of `recipes.SCHEDULES`.
        peak: the highest rate.
        num_steps: of the whole training.
        warmup: share of the steps.
    """
    if name == "one_cycle":
        return RiseAndFall(
            start=peak / 25,
            peak=peak,
            end=peak / 250_000,
            num_rising=round(0.3 * num_steps),
            num_steps=num_steps,
            rise="cosine",
            fall="cosine",
        )
    num_rising = round(warmup * num_steps)
    if name == "constant" and not num_rising:
        return peak
    return RiseAndFall(
        start=peak / (num_rising + 1),  # 0 would waste the first step
        peak=peak,
        end=peak if name == "constant" else 0.0,
        num_rising=num_rising,
        num_steps=num_steps,
        rise="linear",
        fall="cosine" if name == "cosine" else "linear",
    )


@keras.saving.register_keras_serializable(package="cifar10_tf")
class RiseAndFall(LearningRateSchedule):
    """Rises from `start` to `peak`, then falls to `end`.

    Both along a line ("linear") or half a cosine ("cosine"). The peak is the
    rate of step `num_rising`, the end that of `num_steps`, which is the first
    step not taken.
    """

    def __init__(
        self,
        *,
        start: float,
        peak: float,
        end: float,
        num_rising: int,
        num_steps: int,
        rise: str,
        fall: str,
    ):
        self._config = {
            "start": start,
            "peak": peak,
            "end": end,
            "num_rising": num_rising,
            "num_steps": num_steps,
            "rise": rise,
            "fall": fall,
        }

    def get_config(self) -> dict:
        return dict(self._config)

    def __call__(self, step):
        c = self._config
        step = keras.ops.cast(step, "float32")
        num_falling = max(1, c["num_steps"] - c["num_rising"])
        risen = step / max(1, c["num_rising"])
        fallen = keras.ops.clip((step - c["num_rising"]) / num_falling, 0, 1)
        return keras.ops.where(
            step < c["num_rising"],
            _interpolate(c["start"], c["peak"], risen, c["rise"]),
            _interpolate(c["peak"], c["end"], fallen, c["fall"]),
        )


def _interpolate(first: float, last: float, progress, shape: str):
    if shape == "cosine":
        progress = (1 - keras.ops.cos(math.pi * progress)) / 2
    return first + (last - first) * progress

"""Learning rate schedules by name: the rate as a function of the step."""

import math

import keras
from keras.optimizers.schedules import LearningRateSchedule


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
        name: of `settings.optimizers.SCHEDULES`.
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

"""What each model is trained with unless a flag says otherwise."""

import dataclasses

SCHEDULES = ("constant", "cosine", "linear", "one_cycle")

# The optimizers, each with its customary settings: a recipe's own are of use
# for the recipe's optimizer only. SGD's weight decay is the usual 5e-4 over
# 1 - 0.9: Keras's doesn't pass through the momentum, which would multiply it.
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1, "weight_decay": 0.005},
    "adam": {"learning_rate": 0.001, "weight_decay": 0.0},
    "adamw": {"learning_rate": 0.001, "weight_decay": 0.01},
    "rmsprop": {"learning_rate": 0.001, "weight_decay": 0.0},
    "muon": {"learning_rate": 0.02, "weight_decay": 0.0},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The training settings that a model brings along.

    Free of TensorFlow, so that flags can be checked and explained in no time.
    """

    epochs: int
    batch_size: int
    optimizer: str  # of OPTIMIZERS
    learning_rate: float  # the schedule's highest
    schedule: str  # of SCHEDULES
    warmup: float  # share of all steps
    weight_decay: float  # decoupled, as Keras has it; of kernels only
    label_smoothing: float
    ema: float  # decay of a moving average of the weights; 0: none
    augment: str  # as `augment_spec` has it
    validation_fraction: float


# The notebook that the project grew out of: RMSprop at Keras's default rate,
# 31 epochs, no augmentation, 30 % of the training split held out.
_NOTEBOOK = Recipe(
    epochs=31,
    batch_size=256,
    optimizer="rmsprop",
    learning_rate=0.001,
    schedule="constant",
    warmup=0.0,
    weight_decay=0.0,
    label_smoothing=0.0,
    ema=0.0,
    augment="none",
    validation_fraction=0.3,
)

RECIPES = {"baseline": _NOTEBOOK, "dropout": _NOTEBOOK}

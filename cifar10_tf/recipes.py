"""What each model is trained with unless a flag says otherwise."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The training settings that a model brings along.

    Free of TensorFlow, so that flags can be checked and explained in no time.
    """

    epochs: int
    batch_size: int
    learning_rate: float  # of RMSprop
    augment: str  # as `augment_spec` has it
    validation_fraction: float


# The notebook that the project grew out of: RMSprop at Keras's default rate,
# 31 epochs, no augmentation, 30 % of the training split held out.
_NOTEBOOK = Recipe(
    epochs=31,
    batch_size=256,
    learning_rate=0.001,
    augment="none",
    validation_fraction=0.3,
)

RECIPES = {"baseline": _NOTEBOOK, "dropout": _NOTEBOOK}

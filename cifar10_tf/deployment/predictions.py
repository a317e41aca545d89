"""What a network takes images for."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from cifar10_tf.system.errors import UserError

NUM_SHOWN = 3

# Thousands would stop a browser.
_NUM_IN_NOTEBOOK = 100


class Guess(NamedTuple):
    """A class, by its name, and how probable it is."""

    label: str
    probability: float


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What a network takes one image for; shows itself in a notebook.

    Attributes:
        name: of the file; none for an image that had none.
        image: what the network got, uint8 [32, 32, 3].
        probabilities: float32 [num_classes].
        class_names: in their order.
    """

    name: str
    image: np.ndarray = dataclasses.field(repr=False)
    probabilities: np.ndarray = dataclasses.field(repr=False)
    class_names: tuple[str, ...] = dataclasses.field(repr=False)

    @property
    def label(self) -> str:
        """The name of the most probable class."""
        return self.top(1)[0].label

    @property
    def probability(self) -> float:
        """That of the most probable class."""
        return self.top(1)[0].probability

    def top(self, number: int = NUM_SHOWN) -> list[Guess]:
        """Returns the most probable classes, the first one first.

        Raises:
            UserError: it is no number of classes.
        """
        if not isinstance(number, int) or number < 0:
            raise UserError(f"top takes a number of classes, got {number!r}.")
        order = np.argsort(-self.probabilities, kind="stable")[:number]
        return [
            Guess(self.class_names[i], float(self.probabilities[i]))
            for i in order
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns what `predict --format=json` prints of it."""
        guesses = [guess._asdict() for guess in self.top()]
        return {"file": self.name, "predictions": guesses}

    def __repr__(self) -> str:
        guesses = ", ".join(
            f"{g.label} {g.probability:.1%}" for g in self.top()
        )
        return f"<{self.name or 'image'}: {guesses}>"

    def _repr_html_(self) -> str:
        return to_html([self])


class Predictions(list):
    """A list of `Prediction`; shows itself in a notebook."""

    def _repr_html_(self) -> str:
        return to_html(self)


def to_html(predictions: list[Prediction]) -> str:
    """Returns images and bars as a notebook shows them."""
    from cifar10_tf.report import page
    from cifar10_tf.report.image_sheet import data_uri

    return page.render(
        "predictions_notebook.html",
        predictions=[
            (p, data_uri(Image.fromarray(p.image), "PNG"))
            for p in predictions[:_NUM_IN_NOTEBOOK]
        ],
        num_left_out=max(len(predictions) - _NUM_IN_NOTEBOOK, 0),
    )

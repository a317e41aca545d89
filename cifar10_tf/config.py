"""The frozen description of a run: validated at birth, stored as JSON."""

import dataclasses
import json
import math
import re
from typing import Any, Self

from cifar10_tf import augment_spec, recipes

PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")

# TFDS's names are like cifar100 and eurosat/rgb.
_DATASET = re.compile(r"folder:.+|\w+(/\w[\w.-]*)?", re.ASCII)

# What no recipe says.
DEFAULTS = {
    "model": "dropout",
    "dataset": "auto",
    "data_dir": "",
    "run_dir": "",
    "seed": 1,
    "precision": "float32",
    "deterministic": False,
    "max_train_examples": 0,
}

# Where a run lives does not change what it computes.
_LOCATIONS = ("data_dir", "run_dir")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All that determines a run; `make_config` fills in the model's recipe.

    `precision` is a Keras dtype policy, or "auto" for the one that the hardware
    gains from (a run's summary tells which). `augment` is a list as
    "flip,crop=4", in the canonical form of `augment_spec`. `max_train_examples`
    of 0 means all of them. An empty `data_dir` stands for TFDS's, an empty
    `run_dir` for one derived from dataset, model and seed.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """

    model: str
    dataset: str
    data_dir: str
    run_dir: str
    epochs: int
    batch_size: int
    learning_rate: float
    augment: str
    validation_fraction: float
    seed: int
    precision: str
    deterministic: bool
    max_train_examples: int

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is float and type(value) is int:
                object.__setattr__(self, field.name, float(value))
            elif type(value) is not field.type:
                raise ValueError(
                    f"{field.name} must be of type {field.type.__name__}, "
                    f"got {value!r}."
                )
        _check_choice("model", self.model, sorted(recipes.RECIPES))
        if not _DATASET.fullmatch(self.dataset):
            raise ValueError(
                "dataset must be auto, synthetic10, a name of TFDS as in "
                "cifar100 or eurosat/rgb, or folder:PATH, "
                f"got {self.dataset!r}."
            )
        _check_choice("precision", self.precision, PRECISIONS)
        object.__setattr__(
            self, "augment", augment_spec.canonical(self.augment)
        )
        _check_range("epochs", self.epochs, 1, 1_000_000)
        _check_range("batch_size", self.batch_size, 1, 1_000_000)
        _check_range("seed", self.seed, 0, 2**32 - 1)
        _check_range("max_train_examples", self.max_train_examples, 0, 10**9)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(
                "learning_rate must be a positive number, "
                f"got {self.learning_rate}."
            )
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(
                "validation_fraction must be at least 0 and below 1, "
                f"got {self.validation_fraction}."
            )

    def to_json(self) -> str:
        """Returns the config as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Returns the config that `to_json` wrote.

        Raises:
            ValueError: the text is not JSON, or not exactly a Config.
        """
        values = json.loads(text)
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise ValueError(f"a config needs exactly {sorted(names)}.")
        return cls(**values)

    def differences(self, other: Self) -> list[str]:
        """Lists the settings in which two runs differ, locations aside."""
        return [
            f"{name}: {mine!r} -> {theirs!r}"
            for name, mine in dataclasses.asdict(self).items()
            if name not in _LOCATIONS
            and mine != (theirs := getattr(other, name))
        ]


def make_config(**settings: Any) -> Config:
    """Returns the defaults and the model's recipe with `settings` over them.

    A setting that is None counts as not given.

    Raises:
        ValueError: as Config does.
    """
    given = {name: v for name, v in settings.items() if v is not None}
    model = given.get("model", DEFAULTS["model"])
    _check_choice("model", model, sorted(recipes.RECIPES))
    recipe = dataclasses.asdict(recipes.RECIPES[model])
    return Config(**(DEFAULTS | recipe | given))


def _check_choice(name: str, value: str, choices) -> None:
    if value not in choices:
        raise ValueError(
            f"Unknown {name} {value!r}; choose from {', '.join(choices)}."
        )


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(
            f"{name} must be between {low} and {high}, got {value}."
        )

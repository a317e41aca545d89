"""The frozen description of a run: validated at birth, stored as JSON."""

import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import Any, Self

from cifar10_tf import augment_spec, recipes

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")

# TFDS's names are like cifar100 and eurosat/rgb.
_DATASET = re.compile(r"folder:[^\0]+|\w+(/\w[\w.-]*)?", re.ASCII)

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
    "tta": False,
}


def _between(low: int, high: int) -> tuple[str, Callable[[int], bool]]:
    return f"between {low} and {high}", lambda value: low <= value <= high


_SHARE = "at least 0 and below 1", lambda value: 0 <= value < 1

# What each number must be, and the check of it, which NaN fails.
_RANGES = {
    "epochs": _between(1, 1_000_000),
    # Odd, as an image that is mirrored in every other epoch would otherwise
    # be so always or never.
    "easy_every": (
        "odd and between 1 and 999",
        lambda value: value % 2 and 1 <= value <= 999,
    ),
    "batch_size": _between(1, 1_000_000),
    "learning_rate": ("a positive number", lambda value: 0 < value < math.inf),
    "warmup": _SHARE,
    "weight_decay": ("0 or positive", lambda value: 0 <= value < math.inf),
    "label_smoothing": _SHARE,
    "ema": _SHARE,
    "validation_fraction": _SHARE,
    "seed": _between(0, 2**32 - 1),
    "max_train_examples": _between(0, 10**9),
}

# Where a run lives does not change what it computes.
_LOCATIONS = ("data_dir", "run_dir")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All that determines a run; `make_config` fills in the model's recipe.

    `precision` is a Keras dtype policy, or "auto" for the one that the hardware
    gains from (a run's summary tells which). `augment` is a list as
    "flip,crop=4", in the canonical form of `augment_spec`. `max_train_examples`
    of 0 means all of them. With `tta` a run is also evaluated with test-time
    augmentation. An empty `data_dir` stands for TFDS's, an empty
    `run_dir` for one derived from dataset, model and seed.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """

    model: str
    dataset: str
    data_dir: str
    run_dir: str
    epochs: int
    easy_every: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    warmup: float
    weight_decay: float
    label_smoothing: float
    ema: float
    augment: str
    validation_fraction: float
    seed: int
    precision: str
    deterministic: bool
    max_train_examples: int
    tta: bool

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
        _check_choice("optimizer", self.optimizer, recipes.OPTIMIZERS)
        _check_choice("schedule", self.schedule, recipes.SCHEDULES)
        _check_choice("precision", self.precision, ("auto", *POLICIES))
        object.__setattr__(
            self, "augment", augment_spec.canonical(self.augment)
        )
        for name, (wanted, is_good) in _RANGES.items():
            value = getattr(self, name)
            if not is_good(value):
                raise ValueError(f"{name} must be {wanted}, got {value}.")
        if self.schedule == "one_cycle" and self.warmup:
            raise ValueError(
                "warmup must be 0 with one_cycle, which rises by itself, got "
                f"{self.warmup}."
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

    def settings(self) -> dict[str, Any]:
        """Returns what determines the result: all fields but the locations."""
        return {
            name: value
            for name, value in dataclasses.asdict(self).items()
            if name not in _LOCATIONS
        }

    def differences(self, other: Self) -> list[str]:
        """Lists the settings in which two runs differ, locations aside."""
        return [
            f"{name}: {mine!r} -> {theirs!r}"
            for name, mine in self.settings().items()
            if mine != (theirs := getattr(other, name))
        ]


def make_config(**settings: Any) -> Config:
    """Returns the defaults and the model's recipe with `settings` over them.

    A setting that is None counts as not given. With another optimizer than the
    recipe's, the learning rate and the weight decay that are customary for it
    take the place of the recipe's; with one_cycle its warm-up does.

    Raises:
        ValueError: as Config does.
    """
    given = {name: v for name, v in settings.items() if v is not None}
    model = given.get("model", DEFAULTS["model"])
    _check_choice("model", model, sorted(recipes.RECIPES))
    recipe = dataclasses.asdict(recipes.RECIPES[model])
    optimizer = given.get("optimizer", recipe["optimizer"])
    if optimizer != recipe["optimizer"]:
        recipe |= recipes.OPTIMIZERS.get(optimizer, {})
    if given.get("schedule") == "one_cycle":
        recipe["warmup"] = 0.0
    return Config(**(DEFAULTS | recipe | given))


def _check_choice(name: str, value: str, choices) -> None:
    if value not in choices:
        raise ValueError(
            f"Unknown {name} {value!r}; choose from {', '.join(choices)}."
        )

"""Which settings a sweep tries, asked for by text or in a file."""

import dataclasses
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cifar10_tf.settings import augmentations
from cifar10_tf.settings.config import Config
from cifar10_tf.settings.setting import check
from cifar10_tf.settings.similar_names import unknown

# What else differs would be a comparison of other things than settings.
_BOOLEANS = {"true": True, "false": False}

_FIXED = {
    "dataset": "trials are compared on the same images",
    "validation_fraction": "trials are compared on the same images",
    "seed": "each trial has the seeds from --seed on; how many, --seeds says",
    "tta": "it changes nothing but the test accuracy",
    "deterministic": "it changes no accuracy",
}

_FIELDS = {
    field.name: field
    for field in dataclasses.fields(Config)
    if not field.metadata["is_location"]
}

_FORMS = "low:high, log:low:high or a|b|c"


class Range(NamedTuple):
    """Numbers from low to high, both included; whole ones if these are.

    Attributes:
        is_log: whether equal factors, not differences, are equally likely.
    """

    low: float
    high: float
    is_log: bool = False

    def ends(self) -> tuple[float, ...]:
        """Returns the values by which all others are checked."""
        return self.low, self.high

    def __str__(self) -> str:
        return f"{'log:' if self.is_log else ''}{self.low}:{self.high}"


class Choices(NamedTuple):
    """Values to choose from, two at least."""

    values: tuple[Any, ...]

    def ends(self) -> tuple[Any, ...]:
        """Returns all values."""
        return self.values

    def __str__(self) -> str:
        return "|".join(map(str, self.values))


SearchSpace = dict[str, Range | Choices]


def parse(text: str) -> SearchSpace:
    """Returns what a text, or a file, asks to try of each setting.

    The text is as "learning_rate=log:0.03:0.3,batch_size=128|256"; a comma
    before the name of an augmentation is one of augment's. A name that ends in
    .json is that of a file: an object of the same, by name of setting.

    Raises:
        ValueError: it is not well-formed, or a value is not valid.
    """
    items = _read(text) if text.strip().endswith(".json") else _split(text)
    space = {}
    for name, values in items:
        if name in space:
            raise ValueError(f"{name} is there twice in {text!r}.")
        space[name] = _dimension(name, values)
    return space


def _read(path: str) -> list[tuple[str, str]]:
    try:
        values = json.loads(pathlib.Path(path.strip()).read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror}).") from error
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}.") from error
    texts = values.values() if isinstance(values, dict) else [None]
    if not values or not all(isinstance(text, str) for text in texts):
        raise ValueError(
            f"{path} must hold an object of texts by setting, as "
            '{"learning_rate": "log:0.03:0.3"}.'
        )
    return list(values.items())


def _split(text: str) -> Iterator[tuple[str, str]]:
    items = []
    for piece in text.split(","):
        of_augment = bool(items) and items[-1].startswith("augment=")
        if of_augment and augmentations.is_name(re.split("[=|]", piece)[0]):
            items[-1] += f",{piece}"
        else:
            items.append(piece.strip())
    for item in items:
        name, is_given, values = (s.strip() for s in item.partition("="))
        if not is_given:
            raise ValueError(
                f"{item!r} is no setting with values, as name={_FORMS}; a "
                "comma is between two of them."
            )
        yield name, values


def _dimension(name: str, text: str) -> Range | Choices:
    if name in _FIXED:
        raise ValueError(f"{name} can't be tried: {_FIXED[name]}.")
    if name not in _FIELDS:
        raise ValueError(
            unknown("setting", name, [n for n in _FIELDS if n not in _FIXED])
        )
    if "|" not in text and ":" in text and _FIELDS[name].type is not str:
        return _range(name, text)
    values = tuple(_value(name, part) for part in text.split("|"))
    if len(values) < 2:
        raise ValueError(
            f"{name} has one value, {text!r}: it is to be {_FORMS}, or a flag "
            f"of its own, --{name}={text}."
        )
    if len(set(values)) < len(values):
        raise ValueError(f"{name} has a value twice: {text!r}.")
    return Choices(values)


def _range(name: str, text: str) -> Range:
    *prefix, low, high = (part.strip() for part in text.split(":"))
    if prefix not in ([], ["log"]):
        raise ValueError(f"{name} must be {_FORMS}, got {text!r}.")
    found = Range(_value(name, low), _value(name, high), bool(prefix))
    if found.low >= found.high:
        raise ValueError(
            f"{name} must be from a lower to a higher value, got {text!r}."
        )
    if found.is_log and found.low <= 0:
        raise ValueError(f"log of {name} must start above 0, got {text!r}.")
    if _FIELDS[name].type is int:
        # Both ends may be valid, and what is between them not: odd numbers.
        check(name, found.low + 1, int, _FIELDS[name].metadata["valid"])
    return found


def _value(name: str, text: str) -> Any:
    field, text = _FIELDS[name], text.strip()
    if name == "augment":
        return augmentations.canonical(text)
    try:
        value = _BOOLEANS[text] if field.type is bool else field.type(text)
    except (KeyError, ValueError):
        raise ValueError(
            f"{name} has values of type {field.type.__name__}, got {text!r}."
        ) from None
    return check(name, value, field.type, field.metadata["valid"])

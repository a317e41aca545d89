"""How a setting is declared: once, with everything that is said of it."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cifar10_tf.settings.similar_names import unknown


class Valid(NamedTuple):
    """Which values a setting may have: in words, and as a check.

    Attributes:
        choices: all of them, where they can be listed.
    """

    text: str
    holds: Callable[[Any], bool]  # false of NaN
    choices: tuple[str, ...] = ()


ANY = Valid("", lambda value: True)
SHARE = Valid("at least 0 and below 1", lambda value: 0 <= value < 1)
POSITIVE = Valid("a positive number", lambda value: 0 < value < math.inf)
NOT_NEGATIVE = Valid("0 or positive", lambda value: 0 <= value < math.inf)


def between(low: int, high: int) -> Valid:
    """Returns that a number is in a range, both ends included."""
    return Valid(
        f"between {low} and {high}", lambda value: low <= value <= high
    )


def one_of(choices: Iterable[str]) -> Valid:
    """Returns that a text is one of several."""
    choices = tuple(choices)
    return Valid(
        f"one of {', '.join(choices)}", lambda value: value in choices, choices
    )


def matching(pattern: str, text: str) -> Valid:
    """Returns that all of a text matches a regular expression."""
    compiled = re.compile(pattern, re.ASCII)
    return Valid(text, lambda value: bool(compiled.fullmatch(value)))


def setting(
    help_text: str,
    *,
    default: Any = None,
    default_text: str | None = None,
    valid: Valid = ANY,
    as_before: Any = None,
    is_location: bool = False,
) -> Any:
    """Returns the field of a dataclass that declares a setting.

    Args:
        help_text: what it does; the first sentence stands alone.
        default: without it, `as_before`; without both, every recipe has it.
        default_text: what an empty default stands for.
        valid: which values are accepted.
        as_before: the value with which a run is as it was before there was the
            setting: that of an older run, and of a recipe that doesn't name it.
        is_location: whether it says where things are, and changes no result.
    """
    return dataclasses.field(
        metadata={
            "help": help_text,
            "default": as_before if default is None else default,
            "default_text": default_text,
            "valid": valid,
            "as_before": as_before,
            "is_location": is_location,
        }
    )


def defaults(declared: type) -> dict[str, Any]:
    """Returns the default of each setting of a dataclass; None: it has none."""
    return {f.name: f.metadata["default"] for f in dataclasses.fields(declared)}


def check(name: str, value: Any, field_type: type, valid: Valid) -> Any:
    """Returns the value of a setting, a float where that is wanted.

    Raises:
        ValueError: it has another type or is not valid.
    """
    if field_type is float and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf if value > 0 else -math.inf
    if type(value) is not field_type:
        raise ValueError(
            f"{name} must be of type {field_type.__name__}, got {value!r}."
        )
    if valid.holds(value):
        return value
    if valid.choices:
        raise ValueError(unknown(name, value, valid.choices))
    raise ValueError(f"{name} must be {valid.text}, got {value!r}.")


def check_fields(instance: Any) -> None:
    """Checks all settings of a frozen dataclass, which is being made.

    Raises:
        ValueError: as `check` does.
    """
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        value = check(field.name, value, field.type, field.metadata["valid"])
        object.__setattr__(instance, field.name, value)

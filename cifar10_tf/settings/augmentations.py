"""Which augmentations there are, and how they are asked for by text.

Free of TensorFlow, so that flags and recipes can be checked in no time.
"""

from typing import NamedTuple

from cifar10_tf.settings.similar_names import unknown


class Strength(NamedTuple):
    """The strength of an augmentation: its default, its range, its meaning."""

    default: float
    low: float
    high: float
    meaning: str


# In the order in which they are applied, whatever order they are asked in.
# Those that are None have no strength.
AUGMENTATIONS = {
    "flip": None,
    "alternating_flip": None,
    "crop": Strength(4, 1, 12, "pixels of reflected border"),
    "zero_crop": Strength(4, 1, 12, "pixels of black border"),
    "randaugment": Strength(9, 0, 30, "magnitude, of 30"),
    "cutout": Strength(8, 1, 1024, "side of the square in pixels"),
    "cutmix": None,
    "brightness": Strength(0.15, 0.0, 1.0, "largest change"),
    "contrast": Strength(0.15, 0.0, 1.0, "largest relative change"),
    "mixup": None,
}

_NONE = "none"

_NUMBERS = {int: "whole number", float: "number"}

# Two ways to do the same thing.
_EXCLUSIVE = (("flip", "alternating_flip"), ("crop", "zero_crop"))


def is_name(text: str) -> bool:
    """Tells whether an augmentation, or none, is called so."""
    return text.strip() in (*AUGMENTATIONS, _NONE)


def parse(text: str) -> dict[str, float]:
    """Returns the strength of each augmentation that a text asks for.

    The text is a list as "flip,crop=2,cutout", in any order; "none" or nothing
    asks for none. Those without a strength have 1.

    Raises:
        ValueError: it is no text, or an augmentation is missing, unknown, asked
            for twice or excluded by another, or its strength is out of range.
    """
    if not isinstance(text, str):
        raise ValueError(
            f"augment must be a text, as 'flip,crop=4', got {text!r}."
        )
    if text.strip() in ("", _NONE):
        return {}
    strengths = {}
    for item in text.split(","):
        name, has_value, value = (s.strip() for s in item.partition("="))
        if not name:
            raise ValueError(
                f"a name is missing in {text!r}; one comma is between two "
                "augmentations, as in 'flip,crop=4'."
            )
        if name == _NONE:
            raise ValueError(f"none stands alone, got {text!r}.")
        if name.isdecimal():
            raise ValueError(
                f"{name!r} is a strength without a name in {text!r}; a decimal "
                "point is a dot, as in 'brightness=0.15'."
            )
        if name not in AUGMENTATIONS:
            raise ValueError(
                unknown("augmentation", name, [*AUGMENTATIONS, _NONE])
            )
        if name in strengths:
            raise ValueError(f"{name} is there twice in {text!r}.")
        strengths[name] = _strength(name, value if has_value else None)
    for one, other in _EXCLUSIVE:
        if one in strengths and other in strengths:
            raise ValueError(f"{one} and {other} exclude each other.")
    return {n: strengths[n] for n in AUGMENTATIONS if n in strengths}


def _strength(name: str, value: str | None) -> float:
    strength = AUGMENTATIONS[name]
    if strength is None:
        if value is not None:
            raise ValueError(f"{name} has no strength, got {value!r}.")
        return 1
    if value is None:
        return strength.default
    number_type = type(strength.default)
    try:
        number = number_type(value)
    except ValueError:
        number = float("nan")
    if not strength.low <= number <= strength.high:
        raise ValueError(
            f"{name} ({strength.meaning}) must be a {_NUMBERS[number_type]} "
            f"from {strength.low:g} to {strength.high:g}, got {value!r}."
        )
    return number


def canonical(text: str) -> str:
    """Returns the one text that stands for all that ask for the same.

    Raises:
        ValueError: as `parse` does.
    """
    return (
        ",".join(
            name if AUGMENTATIONS[name] is None else f"{name}={strength!r}"
            for name, strength in parse(text).items()
        )
        or _NONE
    )


def describe() -> str:
    """Lists all augmentations, with their default strengths and ranges."""
    return ", ".join(
        name
        if s is None
        else f"{name}={s.default:g} ({s.meaning}, {s.low:g} to {s.high:g})"
        for name, s in AUGMENTATIONS.items()
    )

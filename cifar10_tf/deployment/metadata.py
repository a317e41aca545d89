"""What an exported model says of itself, whatever its format."""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any, Self

# In a .keras or .tflite file, which are archives, and beside a SavedModel.
MEMBER = "cifar10_tf.json"
LABELS = "labels.txt"

# Of a file of somebody else's no more is read: names of 10,000 classes.
_MAX_BYTES = 1_000_000


@dataclasses.dataclass(frozen=True)
class Metadata:
    """The run that a model is of, and the classes that it tells apart."""

    class_names: tuple[str, ...]
    model: str
    precision: str  # in which this file computes
    dataset: str
    test_accuracy: float
    test_accuracy_ci95: tuple[float, float]

    def to_texts(self) -> dict[str, str]:
        """Returns each field as JSON, by name."""
        values = dataclasses.asdict(self)
        return {name: json.dumps(value) for name, value in values.items()}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """Returns what `to_texts` was called of; other names are ignored.

        Raises:
            ValueError, TypeError: a name is missing, or has something else.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if missing := set(names) - texts.keys():
            raise ValueError(f"no {', '.join(sorted(missing))}")
        return cls._of({name: json.loads(texts[name]) for name in names})

    def to_json(self) -> str:
        """Returns all of it as one JSON object."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Returns what `to_json` was called of.

        Raises:
            KeyError, ValueError, TypeError: it is something else.
        """
        return cls._of(json.loads(text))

    @classmethod
    def _of(cls, values: dict[str, Any]) -> Self:
        names, interval = values["class_names"], values["test_accuracy_ci95"]
        if not (names and _are(names, str)):
            raise ValueError(f"class_names is no list of names: {names!r}")
        if not (_are(interval, float | int) and len(interval) == 2):
            raise ValueError(f"test_accuracy_ci95 is no interval: {interval!r}")
        tuples = {
            "class_names": tuple(names),
            "test_accuracy_ci95": tuple(interval),
        }
        return cls(**(values | tuples))

    def labels(self) -> str:
        """Returns the class names, a line each."""
        return "".join(f"{name}\n" for name in self.class_names)


def _are(values: Any, kind: type) -> bool:
    """Tells whether these are a list, or a tuple, of one kind."""
    is_list = isinstance(values, list | tuple)
    return is_list and all(isinstance(value, kind) for value in values)


def add_to_archive(path: pathlib.Path, metadata: Metadata) -> None:
    """Adds it, and the labels, to a zip file, or after what is none."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, metadata.to_json())
        archive.writestr(LABELS, metadata.labels())


def from_archive(path: pathlib.Path) -> Metadata:
    """Returns what `add_to_archive` added.

    Raises:
        KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile: nothing,
            or the file is damaged.
    """
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as member:
        text = member.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ValueError(f"{MEMBER} has more than {_MAX_BYTES:,} bytes")
    return Metadata.from_json(text)

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
            ValueError: a name is missing, or what it has is no JSON.
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
            ValueError, TypeError: it is something else.
        """
        return cls._of(json.loads(text))

    @classmethod
    def _of(cls, values: dict[str, Any]) -> Self:
        for name in "class_names", "test_accuracy_ci95":
            values[name] = tuple(values[name])
        return cls(**values)

    def labels(self) -> str:
        """Returns the class names, a line each."""
        return "".join(f"{name}\n" for name in self.class_names)


def add_to_archive(path: pathlib.Path, metadata: Metadata) -> None:
    """Adds it, and the labels, to a zip file, or after what is none."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, metadata.to_json())
        archive.writestr(LABELS, metadata.labels())


def from_archive(path: pathlib.Path) -> Metadata:
    """Returns what `add_to_archive` added.

    Raises:
        KeyError, OSError, ValueError, zipfile.BadZipFile: nothing, or the file
            is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        return Metadata.from_json(archive.read(MEMBER))

"""Predictions as text for people, as JSON and as CSV, one after the other."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from cifar10_tf.deployment.image_arguments import Failure
from cifar10_tf.deployment.predictions import NUM_SHOWN, Prediction

_Results = Iterable[Prediction | Failure]

_BAR_WIDTH = 30


def to_text(results: _Results) -> Iterator[str]:
    """Yields a name, and below it the most probable classes with bars.

    Failures are left out: they are errors, on stderr.
    """
    for result in results:
        if isinstance(result, Failure):
            continue
        guesses = [(printable(label), p) for label, p in result.top()]
        width = max(len(label) for label, _ in guesses)
        yield f"{printable(result.name)}\n"
        for label, probability in guesses:
            bar = "#" * round(_BAR_WIDTH * probability)
            line = f"  {label:<{width}} {probability:>7.1%}  {bar}"
            yield f"{line.rstrip()}\n"


def to_json(results: _Results) -> Iterator[str]:
    """Yields a list of what `to_dict` of each says."""
    yield "["
    for i, result in enumerate(results):
        yield f"{',' if i else ''}\n  {json.dumps(result.to_dict())}"
    yield "\n]\n"


def to_csv(results: _Results) -> Iterator[str]:
    """Yields a header, and a line for each image; failures have an error."""
    names = [
        f"{name}_{rank}"
        for rank in range(1, NUM_SHOWN + 1)
        for name in ("label", "probability")
    ]
    yield _csv_line(["file", *names, "error"])
    for result in results:
        if isinstance(result, Failure):
            cells, error = [], result.error
        else:
            cells, error = [], ""
            for label, probability in result.top():
                cells += [printable(label), probability]
        cells += [""] * (len(names) - len(cells))
        yield _csv_line([printable(result.name), *cells, error])


def _csv_line(cells: list) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def printable(name: str) -> str:
    """Returns a name without control characters, and in Unicode."""
    if name.isprintable():
        return name
    return ascii(name)[1:-1]


FORMATS = {"text": to_text, "json": to_json, "csv": to_csv}

"""A comparison as lines for a terminal."""

from cifar10_tf.report import comparison
from cifar10_tf.report.comparison import Comparison, Subject

# Of the table: heading, name among the figures, form.
COLUMNS = (
    ("test accuracy", "test_accuracy", ".2%"),
    ("runs", "num_runs", "d"),
    ("with TTA", "test_accuracy_tta", ".2%"),
    ("training", "train_accuracy", ".1%"),
    ("validation", "validation_accuracy", ".1%"),
    ("training minus validation", "gap", "+.1%"),
    ("parameters", "num_params", ",.0f"),
    ("train s", "train_sec", ",.1f"),
    ("images/s", "images_per_sec", ",.0f"),
    ("ECE", "calibration_error", ".2%"),
)

_HEADINGS = {"training minus validation": "gap"}


def describe(found: Comparison) -> str:
    """Returns table, settings that differ and verdicts."""
    rows = table(found)
    rows[0] = [_HEADINGS.get(heading, heading) for heading in rows[0]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"{row[0]:<{widths[0]}}"
        + "".join(
            f"  {cell:>{width}}"
            for cell, width in zip(row[1:], widths[1:], strict=True)
        )
        for row in rows
    ]
    if found.subjects[0].is_study:
        lines.append("Means over seeds, and the 95 % interval of the mean.")
    lines.append("ECE: expected calibration error, 15 bins of equal width.")
    lines.append("\nSettings that differ:")
    names = [subject.name for subject in found.subjects]
    for setting, values in found.differing_settings.items():
        each = ", ".join(
            f"{name} {value}" for name, value in zip(names, values, strict=True)
        )
        lines.append(f"  {setting}: {each}")
    if not found.differing_settings:
        lines.append("  none")
    lines += ["", *found.remarks] if found.remarks else []
    lines += ["", *(verdict.text for verdict in found.verdicts)]
    return "\n".join(lines)


def table(found: Comparison) -> list[list[str]]:
    """Returns rows of cells, headings first; columns without values are out."""
    columns = [
        (heading, name, form)
        for heading, name, form in COLUMNS
        if any(s.figures[name] is not None for s in found.subjects)
    ]
    headings = ["", *(heading for heading, _, _ in columns)]
    headings.insert(2, "95 % interval")
    return [headings, *(_row(s, columns) for s in found.subjects)]


def _row(subject: Subject, columns) -> list[str]:
    cells = [
        "-" if subject.figures[name] is None else f"{subject.figures[name]:{f}}"
        for _, name, f in columns
    ]
    ends = comparison.interval(subject)
    interval = "{:.2%} to {:.2%}".format(*ends) if ends else "from 3 runs on"
    return [subject.name, cells[0], interval, *cells[1:]]

"""What `export` prints: a line for each format, below those of Keras."""

_HEADER = (
    "export",
    "precision",
    "size",
    "1 image",
    "of 256",
    "max. difference",
    "agreement",
)


def describe(result: dict) -> str:
    """Returns a table of what `export.json` says."""
    rows = [_HEADER]
    for name, speed in result["keras"].items():
        rows.append((name, result["precision"], "", *_speed(speed), "", ""))
    for entry in result["formats"].values():
        rows.append(
            (
                entry["file"],
                entry["precision"],
                f"{entry['size_bytes'] / 1000:,.0f} kB",
                *_speed(entry),
                f"{entry['max_difference']:.1e}",
                f"{entry['agreement']:.1%}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(_align, row, widths, range(9))) for row in rows]
    accuracies = [f"Test accuracy {result['test_accuracy']:.2%}"]
    accuracies += [
        f"of {entry['file']} {entry['test_accuracy']:.2%}"
        for entry in result["formats"].values()
        if "test_accuracy" in entry
    ]
    return "\n".join([*map(str.rstrip, lines), ", ".join(accuracies)])


def _speed(measured: dict) -> tuple[str, str]:
    return (
        f"{measured['latency_ms']['median']:.2f} ms",
        f"{measured['images_per_sec']['median']:,.0f}/s",
    )


def _align(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < 2 else text.rjust(width)

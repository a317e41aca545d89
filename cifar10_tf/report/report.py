"""A run directory -> `report.html`: what the training has learnt, on a page."""

from typing import Any

import numpy as np
from PIL import Image

from cifar10_tf.evaluation.corruptions import result_file
from cifar10_tf.report import page, predictions, svg_charts
from cifar10_tf.report.image_sheet import data_uri
from cifar10_tf.report.run_contents import RunContents
from cifar10_tf.report.svg_charts import Chart, Series
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError

# Pixels; the pictures that matplotlib drew are four times as large.
_SAMPLES_WIDTH = 1140

# Of each corruption's images, where a table has both.
_SOURCES = {result_file.COMPUTED: "made here", result_file.TFDS: "TFDS"}


def write(run: RunContents, images: np.ndarray | None = None) -> None:
    """Writes the page of a run into its directory.

    Args:
        images: uint8 [num_examples, 32, 32, 3], those of the test split where
            they are at hand; else they are looked for.

    Raises:
        UserError: it can't be written.
    """
    page.write(
        run.directory.report,
        "run.html",
        run=run,
        summary=run.summary,
        overview=_overview(run.summary),
        curves=_curves(run.history),
        corruptions=_corruptions(run),
        samples=_samples(run),
        times=_times(run.summary),
        machine=machine(run.summary),
        files=_files(run.directory),
        **predictions.content(run, images),
    )


def _files(directory: RunDirectory) -> list[str]:
    """Returns the files that a complete run has, by their relative paths."""
    paths = {directory.summary}  # written last, after the page
    for path in directory.path.rglob("*"):
        is_passing = directory.checkpoints in path.parents
        if path.is_file() and not is_passing and path.name[0] != ".":
            paths.add(path)
    return sorted(p.relative_to(directory.path).as_posix() for p in paths)


def _overview(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the figures beside the headline: name and value."""
    rows = [
        ("training accuracy, mean of the last epoch", "train_accuracy"),
        ("validation accuracy", "validation_accuracy"),
        ("with test-time augmentation", "test_accuracy_tta"),
    ]
    shares = [
        (label, page.percent(summary[name]))
        for label, name in rows
        if summary.get(name) is not None
    ]
    return [
        *shares,
        ("test loss, in nats", f"{summary['test_loss']:.3f}"),
        ("parameters", f"{summary['num_params']:,}"),
        ("seconds of training", f"{summary['train_sec']:,.1f}"),
        (
            "training images per second, warmed up",
            _rate(summary["images_per_sec"]),
        ),
    ]


def _rate(images_per_sec: float | None) -> str:
    # A training of one step tells none.
    return "-" if images_per_sec is None else f"{images_per_sec:,.0f}"


def _curves(history: list[dict[str, Any]]) -> list[Chart]:
    def chart(name: str, title: str, spec: str, axis_format: str) -> Chart:
        series = [Series("training", [row[name] for row in history], 1)]
        if history[-1].get(f"val_{name}") is not None:
            values = [row[f"val_{name}"] for row in history]
            series.append(Series("validation", values, 2))
        return svg_charts.epoch_chart(
            title,
            series,
            lambda shown: ", ".join(
                f"{n} {value:{spec}}" for n, value in shown
            ),
            y_format=axis_format,
        )

    return [
        chart("accuracy", "Accuracy by epoch", ".2%", ".0%"),
        chart("loss", "Loss by epoch", ".4f", "g"),
    ]


def _corruptions(run: RunContents) -> dict[str, Any] | None:
    """Returns the table of accuracies on corrupted images, if there is one.

    Its rows and columns end with their means.
    """
    try:
        result = result_file.read(run.directory, run.summary)
    except UserError as error:
        return {"missing": str(error).rstrip(".")}
    if result is None:
        return None
    corruptions = result["corruptions"]
    accuracy = corruptions["accuracy"]
    table = result_file.table_with_means(accuracy)
    sources = corruptions["sources"]
    is_mixed = len(set(sources.values())) > 1
    names = [
        name.replace("_", " ")
        + (f" ({_SOURCES[sources[name]]})" if is_mixed else "")
        for name in accuracy
    ]
    return {
        "missing": "",
        "severities": corruptions["severities"],
        "rows": list(zip([*names, "mean"], table.tolist(), strict=True)),
        "mean": table[-1, -1],
        "ci95": corruptions["mean_accuracy_ci95"],
        "source": result_file.source_text(corruptions["source"]),
    }


def _samples(run: RunContents) -> str:
    """Returns the picture of augmented training images, if it is there."""
    try:
        with Image.open(run.directory.plots / "samples.png") as picture:
            picture = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    picture.thumbnail((_SAMPLES_WIDTH, _SAMPLES_WIDTH))
    return data_uri(picture, "WEBP", quality=80, method=2)


def _times(summary: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Returns where the time went: what for, seconds and share of all."""
    total, training = summary["total_sec"], summary["train_sec"]
    # Older runs know the end of the first step alone, which is of the training.
    start = summary.get("start_sec", 0.0)
    parts = [
        ("start", start),
        ("training steps and their input", training),
        (
            "validation, evaluation and pictures"
            if start
            else "start, validation, evaluation and pictures",
            total - start - training,
        ),
    ]
    return [
        (what, sec, sec / total if total else 0)
        for what, sec in parts
        if sec > 0
    ]


def machine(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns what a training ran on: names and values."""
    rows = [("precision", summary["precision"])]
    if "jit" in summary:  # older runs don't say
        rows.append(("compiled by XLA", "yes" if summary["jit"] else "no"))
    if (num_devices := summary.get("num_devices", 1)) > 1:
        rows.append(("workers", f"{summary['num_workers']}"))
        rows.append(("batches shared by", f"{num_devices} devices"))
    for name, value in (summary["hardware"] | summary["versions"]).items():
        shown = ", ".join(value) if isinstance(value, list) else value
        rows.append((name, shown or "none"))
    return rows

"""A run directory -> `report.html`: what the training has learnt, on a page."""

from typing import Any

import numpy as np
from PIL import Image

from cifar10_tf.evaluation import calibration
from cifar10_tf.evaluation.classification import figures_by_class
from cifar10_tf.report import image_sheet, page, svg_charts
from cifar10_tf.report.image_sheet import ImageSheet, data_uri
from cifar10_tf.report.run_contents import RunContents, test_images
from cifar10_tf.report.svg_charts import Chart, Series
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError

_NUM_IN_GALLERY = 24

# More classes than these have no counts in their matrix, but a list of pairs.
_MAX_CLASSES_COUNTED = 20

# Of all points of a curve: a screen shows no more.
_MAX_POINTS = 200

# Pixels; the pictures that matplotlib drew are four times as large.
_SAMPLES_WIDTH = 1140


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
        classes=list(
            zip(run.class_names, figures_by_class(run.confusion), strict=True)
        ),
        confusion=_confusion(run),
        calibration=_calibration(run.probabilities, run.labels),
        images=_images(run, images),
        samples=_samples(run),
        times=_times(run.summary),
        files=_files(run.directory),
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


def _confusion(run: RunContents) -> dict[str, Any]:
    """Returns rows of cells with count and shade, and the worst pairs.

    The shade is the root of the true class's share: what is confused rarely
    would not be seen.
    """
    matrix = run.confusion
    shades = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))
    mistakes = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:20]
    pairs = [divmod(int(flat), len(matrix)) for flat in order]
    counted = len(matrix) <= _MAX_CLASSES_COUNTED
    return {
        "rows": [
            list(zip(counts, row, strict=True))
            for counts, row in zip(
                matrix.tolist(), shades.round(3).tolist(), strict=True
            )
        ]
        if counted
        else [],
        "picture": "" if counted else _heatmap(shades),
        "pairs": [
            (true, predicted, int(matrix[true, predicted]))
            for true, predicted in pairs
            if mistakes[true, predicted]
        ],
    }


def _heatmap(shades: np.ndarray) -> str:
    """Returns a picture with a pixel for each cell, from white to blue."""
    white, blue = np.array([255.0] * 3), np.array([8.0, 81.0, 156.0])
    pixels = white + shades[..., None] * (blue - white)
    return data_uri(Image.fromarray(pixels.astype(np.uint8)), "PNG")


def _calibration(probabilities: np.ndarray, labels: np.ndarray):
    bins = calibration.reliability(probabilities, labels)
    temperature = calibration.best_temperature(probabilities, labels)
    mended = calibration.at_temperature(probabilities, temperature)
    accuracies = calibration.accuracy_by_coverage(probabilities, labels)
    number = len(labels)
    counts = np.unique(
        np.linspace(1, number, min(number, _MAX_POINTS)).astype(int)
    )
    values = accuracies[counts - 1]

    def readout(i: int) -> str:
        return (
            f"the surest {counts[i] / number:.1%} ({counts[i]:,} images): "
            f"{values[i]:.2%} right"
        )

    return {
        "num_bins": len(bins.counts),
        "error": bins.error,
        "brier": calibration.brier_score(probabilities, labels),
        "temperature": temperature,
        "mended_error": calibration.reliability(mended, labels).error,
        "reliability": svg_charts.reliability_chart(
            "Share that is right, by how sure the model is", bins
        ),
        "coverage": svg_charts.line_chart(
            "Accuracy when unsure images are left out",
            (counts / number).tolist(),
            [Series("accuracy", values.tolist(), 1)],
            readout,
            x_label="share of the images that is answered",
            x_format=".0%",
            x_range=(0, 1),
            y_format=".0%",
        ),
    }


def _images(run: RunContents, images: np.ndarray | None) -> dict[str, Any]:
    """Returns galleries and what the cells of the matrix open, or why none."""
    try:
        images = test_images(run) if images is None else images
    except UserError as error:
        return {"missing": str(error).rstrip(".")}
    given = run.probabilities, run.labels
    mistakes = image_sheet.most_confident_mistakes(*given, _NUM_IN_GALLERY)
    hits = image_sheet.least_sure_hits(*given, _NUM_IN_GALLERY)
    cells = image_sheet.of_cells(*given, image_sheet.MAX_IMAGES)
    sheet = ImageSheet(
        images,
        np.concatenate(
            [mistakes, hits, *[np.array(c, int) for c in cells.values()]]
        ),
    )
    return {
        "missing": "",
        "sheet": sheet,
        "mistakes": [_shown(run, sheet, i) for i in mistakes],
        "hits": [_shown(run, sheet, i) for i in hits],
        "cells": {
            f"{true},{predicted}": [
                [
                    *sheet.place(i),
                    round(float(run.probabilities[i, predicted]), 3),
                    round(float(run.probabilities[i, true]), 3),
                ]
                for i in indices
            ]
            for (true, predicted), indices in cells.items()
        },
    }


def _shown(run: RunContents, sheet: ImageSheet, index: int) -> dict[str, Any]:
    """Returns an image of a gallery, with the two classes that matter."""
    row, label = run.probabilities[index], int(run.labels[index])
    first, second = np.argsort(-row, kind="stable")[:2].tolist()
    other = second if first == label else label
    column, line = sheet.place(index)
    return {
        "column": column,
        "row": line,
        "true": run.class_names[label],
        "predicted": run.class_names[first],
        "probability": float(row[first]),
        "other": run.class_names[other],
        "other_probability": float(row[other]),
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
    total = summary["total_sec"]
    first = min(summary["first_step_sec"], total)
    training = min(summary["train_sec"], total - first)
    parts = [
        ("until the first step was done", first),
        ("training", training),
        ("validation, evaluation and pictures", total - first - training),
    ]
    return [(what, sec, sec / total if total else 0) for what, sec in parts]

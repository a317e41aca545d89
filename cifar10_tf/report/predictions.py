"""What a model says of its test images, as the page of its run shows it."""

from typing import Any

import numpy as np
from PIL import Image

from cifar10_tf.evaluation import calibration
from cifar10_tf.evaluation.classification import figures_by_class
from cifar10_tf.report import image_sheet, page, svg_charts
from cifar10_tf.report.image_sheet import ImageSheet, data_uri
from cifar10_tf.report.run_contents import RunContents, test_images
from cifar10_tf.report.svg_charts import Series
from cifar10_tf.system.errors import UserError

_NUM_IN_GALLERY = 24

# More classes than these have no counts in their matrix, but a list of pairs.
_MAX_CLASSES_COUNTED = 20

# Of all points of a curve: a screen shows no more.
_MAX_POINTS = 200


def content(run: RunContents, images: np.ndarray | None) -> dict[str, Any]:
    """Returns what a page shows of the predictions, where there are any.

    images: as of `report.write`.
    """
    if run.problem:
        return {"images": {"missing": run.problem}}
    return {
        "classes": _classes(run),
        "confusion": _confusion(run),
        "calibration": _calibration(run.probabilities, run.labels),
        "images": _images(run, images),
    }


def _classes(run: RunContents) -> list[tuple[str, ...]]:
    """Returns a row for each class: images, precision, recall and F1."""
    figures = figures_by_class(run.confusion)
    return [
        (
            name,
            f"{of_class.num_examples:,}",
            page.percent(of_class.precision),
            page.percent(of_class.recall),
            page.percent(of_class.f1),
        )
        for name, of_class in zip(run.class_names, figures, strict=True)
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

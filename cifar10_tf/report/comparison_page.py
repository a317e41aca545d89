"""A comparison -> a page of its own."""

import pathlib
from typing import Any

import numpy as np

from cifar10_tf.report import comparison_text, page, svg_charts
from cifar10_tf.report.comparison import Comparison, Subject
from cifar10_tf.report.image_sheet import ImageSheet
from cifar10_tf.report.run_contents import test_images
from cifar10_tf.report.svg_charts import Chart, Series
from cifar10_tf.system.errors import UserError

_NUM_IN_GALLERY = 18
_NUM_CELLS = 12

# As many as the style sheet has colours.
_MAX_LINES = 6


def write(
    path: pathlib.Path, found: Comparison, images: np.ndarray | None = None
) -> None:
    """Writes the page of a comparison.

    Args:
        images: uint8 [num_examples, 32, 32, 3], those of the test split where
            they are at hand; else they are looked for.

    Raises:
        UserError: it can't be written.
    """
    page.write(path, "comparison.html", **_content(found, images))


def to_html(found: Comparison) -> str:
    """Returns the table and the verdicts, as a notebook shows them."""
    return page.render("comparison_notebook.html", **_words(found))


def _words(found: Comparison) -> dict[str, Any]:
    return {
        # A column for each subject: there are fewer of them.
        "figures": list(zip(*comparison_text.table(found), strict=True)),
        "verdicts": [verdict.text for verdict in found.verdicts],
        "remarks": found.remarks,
        "names": [subject.name for subject in found.subjects],
        "settings": [
            (name, *values) for name, values in found.differing_settings.items()
        ],
        "are_studies": found.subjects[0].is_study,
    }


def _content(found: Comparison, images: np.ndarray | None) -> dict[str, Any]:
    first = found.subjects[0].runs[0]
    return {
        **_words(found),
        "title": " and ".join(subject.name for subject in found.subjects)
        if len(found.subjects) == 2
        else f"{len(found.subjects)} {_kind(found)} compared",
        "kind": _kind(found),
        "dataset": first.dataset_title,
        "is_substitute": first.summary["dataset"] == "synthetic10",
        "num_images": len(first.labels),
        "curves": _curves(found),
        "cells": _changed_cells(found),
        "images": _images(found, images),
    }


def _kind(found: Comparison) -> str:
    return "studies" if found.subjects[0].is_study else "runs"


def _curves(found: Comparison) -> list[Chart]:
    """Returns overlaid curves; of a study that of its first run."""
    shown = found.subjects[:_MAX_LINES]
    histories = [subject.runs[0].history for subject in shown]

    def chart(name: str, title: str) -> Chart:
        series = [
            Series(subject.name, [row[name] for row in history], style)
            for style, (subject, history) in enumerate(
                zip(shown, histories, strict=True), 1
            )
        ]
        return svg_charts.epoch_chart(
            title,
            series,
            lambda shown: ", ".join(f"{n} {value:.2%}" for n, value in shown),
        )

    charts = [chart("accuracy", "Training accuracy by epoch")]
    if any(history[-1]["val_accuracy"] is not None for history in histories):
        charts.append(chart("val_accuracy", "Validation accuracy by epoch"))
    return charts


def _changed_cells(found: Comparison) -> list[tuple[str, ...]]:
    """Returns the pairs of classes that are confused more, or less, often.

    A row is the pair and a count for each subject, of a study its runs' mean.
    """
    matrices = [
        np.mean([run.confusion for run in subject.runs], axis=0)
        for subject in found.subjects
    ]
    spread = np.max(matrices, axis=0) - np.min(matrices, axis=0)
    np.fill_diagonal(spread, 0)
    names = found.subjects[0].runs[0].class_names
    cells = []
    for flat in np.argsort(-spread, axis=None, kind="stable")[:_NUM_CELLS]:
        true, predicted = divmod(int(flat), len(names))
        if spread[true, predicted]:
            counts = [f"{matrix[true, predicted]:.4g}" for matrix in matrices]
            what = f"{names[true]} taken for {names[predicted]}"
            cells.append((what, *counts))
    return cells


def _images(found: Comparison, images: np.ndarray | None) -> dict[str, Any]:
    """Returns galleries of images on which runs disagree, or why none."""
    if found.subjects[0].is_study:
        return {"missing": "each run of a study errs on other ones"}
    try:
        if images is None:
            images = test_images(found.subjects[0].runs[0])
    except UserError as error:
        return {"missing": str(error).rstrip(".")}
    galleries = {
        title: indices[:_NUM_IN_GALLERY]
        for title, indices in _disagreements(found.subjects).items()
    }
    sheet = ImageSheet(images, np.concatenate([*galleries.values()]))
    return {
        "missing": "",
        "sheet": sheet,
        "galleries": {
            title: [_shown(found.subjects, sheet, i) for i in indices]
            for title, indices in galleries.items()
        },
    }


def _disagreements(subjects: list[Subject]) -> dict[str, np.ndarray]:
    """Returns the images on which the runs disagree, the clearest first."""
    runs = [subject.runs[0] for subject in subjects]
    right = np.stack([run.right for run in runs])
    of_truth = np.stack(
        [
            run.probabilities[np.arange(len(run.labels)), run.labels]
            for run in runs
        ]
    )
    clarity = of_truth.max(axis=0) - of_truth.min(axis=0)
    order = np.argsort(-clarity, kind="stable")

    def of(chosen: np.ndarray) -> np.ndarray:
        return order[chosen[order]]

    if len(subjects) > 2:
        return {"Right for some alone": of(right.any(0) & ~right.all(0))}
    return {
        f"Right for {subject.name} alone": of(right[i] & ~right[1 - i])
        for i, subject in enumerate(subjects)
    }


def _shown(
    subjects: list[Subject], sheet: ImageSheet, index: int
) -> dict[str, Any]:
    column, row = sheet.place(index)
    first = subjects[0].runs[0]
    said = []
    for subject in subjects:
        run = subject.runs[0]
        best = run.predictions[index]
        said.append(
            (
                subject.name,
                run.class_names[best],
                float(run.probabilities[index, best]),
            )
        )
    return {
        "column": column,
        "row": row,
        "true": first.class_names[first.labels[index]],
        "said": said,
    }

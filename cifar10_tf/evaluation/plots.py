"""Arrays -> figures that can go into a talk; no model is loaded here."""

import itertools
import math
import unicodedata
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cifar10_tf.evaluation.fonts import plain_text

# Okabe and Ito's palette: told apart with every kind of colour vision.
_BLUE, _ORANGE, _GREEN, _RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"


@plain_text
def samples(images, labels, class_names, title: str) -> Figure:
    """Draws the first 4 x 8 images with their class names.

    images: uint8, or floats in [0, 1], [n, h, w, c]; labels: integers [n].
    """
    names = _shorten(class_names, 20)
    captions = [names[label] for label in labels]
    return _image_grid(4, 8, images, captions, title)


@plain_text
def predictions(
    images, labels, probabilities, class_names, title: str
) -> Figure:
    """Draws the first 3 x 6 images as `truth : prediction`, probability below.

    Right ones are green, wrong ones red and marked with a cross.

    images: uint8 [n, h, w, c]; labels: integers [n]; probabilities: [n, class].
    """
    names = _shorten(class_names, 14)
    captions, colors = [], []
    for label, row in zip(labels, probabilities, strict=True):
        best = row.argmax()
        right = best == label
        mark, color = ("✓", _GREEN) if right else ("✗", _RED)
        captions.append(
            f"{names[label]} : {names[best]}\n{mark} {row[best]:.0%}"
        )
        colors.append(color)
    return _image_grid(3, 6, images, captions, title, colors)


def _image_grid(
    num_rows: int,
    num_columns: int,
    images,
    captions: Sequence[str],
    title: str,
    colors: Sequence[str] | None = None,
) -> Figure:
    """Draws images with captions above; a caption's lines have one width.

    All of them in one pair of axes, of inches: a pair for each image would take
    a second more.
    """
    width, height, side, gap = 1.9, 2.1, 1.6, 0.08
    figure = Figure(
        figsize=(width * num_columns, height * num_rows + 0.5),
        layout="constrained",
    )
    figure.suptitle(title)
    axis = figure.subplots()
    axis.set_axis_off()
    shown = list(zip(images, captions, strict=False))[: num_rows * num_columns]
    lines = [line for _, text in shown for line in text.splitlines()]
    fontsize = min(10, 230 / max(map(_num_columns, lines)))
    for i, (image, caption) in enumerate(shown):
        row, column = divmod(i, num_columns)
        center, bottom = width * (column + 0.5), height * (row + 1)
        left, top = center - side / 2, bottom - side
        axis.imshow(
            image,
            interpolation="nearest",
            extent=(left, left + side, bottom, top),
        )
        axis.text(
            center,
            top - gap,
            caption,
            ha="center",
            va="bottom",
            fontsize=fontsize,
            color=colors[i] if colors else "black",
        )
    axis.set(xlim=(0, width * num_columns), ylim=(height * num_rows, 0))
    return figure


@plain_text
def curves(history: list[dict], title: str) -> Figure:
    """Draws loss and accuracy by epoch, training against validation.

    history: the rows of `metrics.jsonl`. The highest validation accuracy is
    marked. Training values are means over an epoch while the weights change,
    dropout active.
    """
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    figure.suptitle(title)
    loss_axis, accuracy_axis = figure.subplots(1, 2)
    accuracy_axis.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    epochs = [row["epoch"] for row in history]
    validated = history[-1]["val_accuracy"] is not None
    formats = {loss_axis: ("loss", ".3f"), accuracy_axis: ("accuracy", ".1%")}
    for axis, (name, spec) in formats.items():
        lines = {"training (mean over the epoch)": (name, _BLUE)}
        if validated:
            lines["validation (after the epoch)"] = (f"val_{name}", _ORANGE)
            best = max(history, key=lambda row: row["val_accuracy"])
            axis.axvline(
                best["epoch"],
                color="grey",
                linestyle=":",
                zorder=0,
                label=f"highest validation accuracy, epoch {best['epoch']}: "
                f"{name} {best[f'val_{name}']:{spec}}",
            )
        for label, (key, color) in lines.items():
            values = [row[key] for row in history]
            axis.plot(
                epochs, values, "o-", markersize=4, color=color, label=label
            )
        axis.set(xlabel="epoch", ylabel=name, xlim=(0.5, len(epochs) + 0.5))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.grid(alpha=0.3)
        # Below, where it covers no point.
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12))
    return figure


@plain_text
def study(
    metrics: dict[str, dict], histories: list[list[dict]], title: str
) -> Figure:
    """Draws the accuracies of several runs, and their way there by seconds.

    metrics: those of `study.json`; histories: of each run, the rows of
    `metrics.jsonl`. Without validation the accuracies in training are drawn.
    """
    figure = Figure(figsize=(11, 5), layout="constrained")
    figure.suptitle(title)
    dots_axis, curves_axis = figure.subplots(1, 2)
    for axis in (dots_axis, curves_axis):
        axis.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        axis.grid(alpha=0.3)
    columns = {
        "test_accuracy": ("test", _BLUE),
        "test_accuracy_tta": ("test with TTA", _GREEN),
        "validation_accuracy": ("validation", _ORANGE),
    }
    columns = {k: column for k, column in columns.items() if k in metrics}
    for x, (key, (_, color)) in enumerate(columns.items()):
        _draw_distribution(dots_axis, x, metrics[key], color)
    dots_axis.set_xticks(
        range(len(columns)), [label for label, _ in columns.values()]
    )
    dots_axis.set(
        title="each dot a run; diamonds: means, 95 % intervals",
        xlim=(-0.6, len(columns) - 0.3),  # the last mean's text
        ylabel="accuracy",
    )
    dots_axis.grid(False, axis="x")

    validated = "validation_accuracy" in metrics
    key = "val_accuracy" if validated else "accuracy"
    for history in histories:
        curves_axis.plot(
            [row["train_sec"] for row in history],
            [row[key] for row in history],
            ".-",
            color=_ORANGE if validated else _BLUE,
            alpha=max(0.15, len(histories) ** -0.5),
        )
    name = "validation" if validated else "training"
    curves_axis.set(
        title="each line a run",
        xlabel="seconds of training",
        ylabel=f"{name} accuracy",
        xlim=(0, None),
    )
    return figure


def _draw_distribution(axis, x: float, metric: dict, color: str) -> None:
    """Draws the values in the order of the runs, and the mean's interval."""
    values, mean = metric["values"], metric["mean"]
    places = x + np.linspace(-0.35, -0.05, len(values))
    axis.plot(places, values, "o", color=color, alpha=0.6, markersize=5)
    half = metric["ci95"][1] - mean
    is_known = len(values) > 2  # of two runs it may be of any size
    axis.errorbar(
        x + 0.1,
        mean,
        yerr=half if is_known else None,
        fmt="D",
        color=color,
        capsize=5,
    )
    axis.annotate(
        f"{mean:.2%}\n± {half:.2%}" if is_known else f"{mean:.2%}",
        (x + 0.1, mean),
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )


@plain_text
def confusion_matrix(matrix: np.ndarray, class_names, title: str) -> Figure:
    """Draws a heatmap of counts [true class, predicted class].

    Colours show the share of the true class. With more than 20 classes the
    counts are left out, with more than 120 all names but each second, third...
    """
    size = len(class_names)
    annotated = size <= 20
    cell = 0.62 if annotated else min(0.13, 16 / size)  # inches
    figure = Figure(
        figsize=(max(cell * size + 2.5, 7.5), max(cell * size + 2, 4)),
        layout="compressed",  # constrained, for squares
    )
    figure.suptitle(title)
    axis = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    heatmap = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(heatmap, label="share of the true class", shrink=0.8)
    if annotated:
        _annotate(axis, matrix, shares)
    axis.set(xlabel="predicted class", ylabel="true class")
    named = range(0, size, math.ceil(0.13 / cell))
    short = _shorten(class_names, 24)
    names = [short[i] for i in named]
    fontsize = 10 if annotated else 7
    axis.set_xticks(
        named,
        names,
        fontsize=fontsize,
        ha="right" if annotated else "center",
        rotation=45 if annotated else 90,
    )
    axis.set_yticks(named, names, fontsize=fontsize)
    return figure


def _annotate(axis, matrix: np.ndarray, shares: np.ndarray) -> None:
    for i, j in np.ndindex(matrix.shape):
        axis.text(
            j,
            i,
            matrix[i, j],
            ha="center",
            va="center",
            fontsize=10,
            color="white" if shares[i, j] > 0.5 else "black",
        )


def _shorten(names: Sequence[str], length: int) -> list[str]:
    """Cuts long names in their middle, and numbers them if they look alike."""
    short = [_elide(name, length) for name in names]
    if len(set(short)) < len(set(names)):
        short = [_elide(f"{i} {name}", length) for i, name in enumerate(names)]
    return short


def _elide(name: str, length: int) -> str:
    if _num_columns(name) <= length:
        return name
    tail = length // 3
    end = _beginning(name[::-1], tail)[::-1]
    return f"{_beginning(name, length - 1 - tail)}…{end}"


def _beginning(text: str, length: int) -> str:
    """Returns as much of a text as fits into so many columns."""
    ends = itertools.accumulate(map(_num_columns, text))
    return text[: sum(end <= length for end in ends)]


def _num_columns(text: str) -> int:
    """Returns how wide a text is: Chinese and the like are twice as wide."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)

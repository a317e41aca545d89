"""Arrays -> figures that can go into a talk; no model is loaded here."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

# Okabe and Ito's palette: told apart with every kind of colour vision.
_BLUE, _ORANGE, _GREEN, _RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"


def samples(images, labels, class_names, title: str) -> Figure:
    """Draws the first 4 x 8 images with their class names.

    images: uint8, or floats in [0, 1], [n, h, w, c]; labels: integers [n].
    """
    figure, axes = _image_grid(4, 8, images, title)
    for axis, label in zip(axes, labels, strict=False):
        axis.set_title(class_names[label], fontsize=10)
    return figure


def predictions(
    images, labels, probabilities, class_names, title: str
) -> Figure:
    """Draws the first 3 x 6 images as `truth : prediction`, probability below.

    Right ones are green, wrong ones red and marked with a cross.

    images: uint8 [n, h, w, c]; labels: integers [n]; probabilities: [n, class].
    """
    figure, axes = _image_grid(3, 6, images, title)
    for axis, label, row in zip(axes, labels, probabilities, strict=False):
        best = int(row.argmax())
        right = best == label
        axis.set_title(
            f"{class_names[label]} : {class_names[best]}\n"
            f"{'✓' if right else '✗'} {row[best]:.0%}",
            fontsize=10,
            color=_GREEN if right else _RED,
        )
    return figure


def _image_grid(rows: int, columns: int, images, title: str):
    figure = Figure(
        figsize=(1.9 * columns, 2.1 * rows + 0.8), layout="constrained"
    )
    figure.suptitle(f"{title}\n")  # an empty line above the first captions
    axes = figure.subplots(rows, columns).flatten()
    for axis in axes:
        axis.set_axis_off()
    for axis, image in zip(axes, images, strict=False):
        axis.imshow(image, interpolation="nearest")
    return figure, axes


def curves(history: list[dict], title: str) -> Figure:
    """Draws loss and accuracy by epoch, training against validation.

    history: the rows of `metrics.jsonl`. The best epoch, by validation
    accuracy, is marked. Training values are means over an epoch while the
    weights change, dropout active.
    """
    figure = Figure(figsize=(11, 5), layout="constrained")
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
                label=f"best epoch: {best['epoch']}, "
                f"validation {name} {best[f'val_{name}']:{spec}}",
            )
        for label, (key, color) in lines.items():
            values = [row[key] for row in history]
            axis.plot(
                epochs, values, "o-", markersize=4, color=color, label=label
            )
        axis.set(xlabel="epoch", ylabel=name, xlim=(0.5, len(epochs) + 0.5))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def confusion_matrix(matrix: np.ndarray, class_names, title: str) -> Figure:
    """Draws an annotated heatmap of counts [true class, predicted class].

    Colours show the share of the true class.
    """
    size = len(class_names)
    figure = Figure(
        figsize=(0.65 * size + 2.5, 0.6 * size + 2), layout="constrained"
    )
    figure.suptitle(title)
    axis = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    heatmap = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(heatmap, label="share of the true class", shrink=0.8)
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
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.set_xticks(range(size), class_names, rotation=45, ha="right")
    axis.set_yticks(range(size), class_names)
    return figure

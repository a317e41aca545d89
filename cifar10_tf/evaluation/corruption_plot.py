"""Accuracies on corrupted images -> a figure."""

import numpy as np
from matplotlib.figure import Figure

from cifar10_tf.datasets import names
from cifar10_tf.evaluation.corruptions.result_file import table_with_means
from cifar10_tf.evaluation.fonts import plain_text


@plain_text
def heatmap(result: dict) -> Figure:
    """Draws accuracy by type and severity, with the means of both.

    result: what `evaluate` writes into a file.
    """
    corruptions = result["corruptions"]
    accuracy = corruptions["accuracy"]
    table = table_with_means(accuracy)
    figure = Figure(figsize=(8, 0.36 * len(table) + 1.9), layout="constrained")
    low, high = corruptions["mean_accuracy_ci95"]
    figure.suptitle(
        f"{result['model']} on {names.title(result['dataset'])}: corrupted "
        f"{result['split']} images ({corruptions['source']})\n"
        f"mean accuracy {corruptions['mean_accuracy']:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%}), "
        f"uncorrupted {result['accuracy']:.1%}"
    )
    axis = figure.subplots()
    image = axis.imshow(table, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    figure.colorbar(image, label="accuracy")
    for row, column in np.ndindex(table.shape):
        share = table[row, column]
        axis.text(
            column,
            row,
            f"{100 * share:.1f}",
            ha="center",
            va="center",
            color="black" if share > 0.6 else "white",
        )
    columns = [f"severity {s}" for s in corruptions["severities"]]
    axis.set_xticks(range(len(columns) + 1), [*columns, "mean"])
    axis.set_yticks(range(len(table)), [*accuracy, "mean"])
    axis.axhline(len(accuracy) - 0.5, color="white", linewidth=3)
    axis.axvline(len(columns) - 0.5, color="white", linewidth=3)
    axis.set_xlabel("accuracy, %")
    return figure

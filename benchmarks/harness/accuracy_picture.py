"""Draws accuracy against seconds of training, for `time_to_accuracy.py`."""

import collections
import math
import pathlib
import statistics

from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from harness.accuracy_runs import Comparison, Pair

# Okabe and Ito's palette: told apart with every kind of colour vision.
_STYLES = {
    "original": ("original recipe", "#555555", "s"),
    "speedrun_s": ("speedrun_s", "#009E73", "o"),
    "speedrun_m": ("speedrun_m", "#0072B2", "o"),
    "speedrun_l": ("speedrun_l", "#CC79A7", "o"),
    "torch_speedrun": ("published fast recipe, PyTorch", "#D55E00", "D"),
    "torch_muon": ("Muon recipe tuned for a CPU, PyTorch", "#E69F00", "D"),
    "torch_speedrun_m": ("speedrun_m's recipe, PyTorch", "#56B4E9", "D"),
}
_TICKS_SEC = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_EXPLANATION = (
    "Lines: validation accuracy without test-time augmentation (TTA), a dot an "
    "epoch.\nLarge markers: test accuracy after the last step, with TTA where "
    "the run has it. Dashed: the targets."
)


def save(path: pathlib.Path, *arguments) -> None:
    """Writes what `draw` draws as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(*arguments).savefig(path, dpi=150)


def draw(
    runs: dict, comparisons: list[Comparison], targets: list[float], title: str
) -> Figure:
    """Draws a line a run, its end, and how many times sooner others end.

    Args:
        runs: by subject and seed, as `time_to_accuracy.finished` returns them.
        comparisons: as `accuracy_runs.compare` returns them.
        targets: accuracies, drawn as lines.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    figure.suptitle(title, fontsize=14)
    axis = figure.subplots()
    axis.set_title(_EXPLANATION, fontsize=10, loc="left")
    for target in targets:
        axis.axhline(target, color="grey", linestyle="--", linewidth=1)
    for name, by_seed in runs.items():
        _draw_subject(axis, name, list(by_seed.values()))
    _draw_ratios(axis, comparisons)
    _scale(axis, [run for by_seed in runs.values() for run in by_seed.values()])
    axis.secondary_yaxis("right").set_yticks(
        targets, [f"{100 * target:.3g}%" for target in targets]
    )
    axis.grid(alpha=0.3)
    axis.legend(
        loc="upper left",
        title="test accuracy and seconds of training, medians",
        alignment="left",
        fontsize=9,
        title_fontsize=9,
    )
    return figure


def _draw_subject(axis, name: str, runs: list) -> None:
    label, color, marker = _STYLES[name]
    for run in runs:
        axis.plot(
            [sec for sec, _ in run.curve],
            [accuracy for _, accuracy in run.curve],
            ".-",
            color=color,
            linewidth=1,
            markersize=4,
            alpha=0.6,
        )
    accuracy = statistics.median(run.best_test_accuracy for run in runs)
    sec = statistics.median(run.train_sec for run in runs)
    number = f"{len(runs)} run{'s' * (len(runs) > 1)}"
    axis.plot(
        [run.train_sec for run in runs],
        [run.best_test_accuracy for run in runs],
        marker,
        color=color,
        markersize=10,
        markeredgecolor="white",
        zorder=3,
        label=f"{label}: {accuracy:.1%} in {sec:,.0f} s ({number})",
    )


def _draw_ratios(axis, comparisons: list[Comparison]) -> None:
    """Draws arrows that say how many times sooner runs were as accurate.

    There is none where, in the median, they were not. Those to the same
    subject are one above the other.
    """
    num_drawn = collections.Counter()
    for comparison in comparisons:
        ratio, difference, slow_sec, slow_accuracy, fast_sec = map(
            statistics.median,
            zip(*map(_figures, comparison.pairs), strict=True),
        )
        if ratio < 1 or difference < 0:
            continue
        _, color, _ = _STYLES[comparison.slow]
        # Above the markers.
        height = slow_accuracy + 0.025 + 0.033 * num_drawn[comparison.fast]
        num_drawn[comparison.fast] += 1
        axis.annotate(
            "",
            (fast_sec, height),
            (slow_sec, height),
            arrowprops={
                "arrowstyle": "->",
                "color": color,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        axis.annotate(
            f"{ratio:.3g} times sooner",
            (math.sqrt(fast_sec * slow_sec), height),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            color=color,
            fontsize=10,
            fontweight="bold",
            # Lines of runs cross it.
            path_effects=[patheffects.withStroke(linewidth=3, foreground="w")],
        )


def _figures(pair: Pair) -> tuple[float, ...]:
    return (
        pair.ratio,
        pair.test_accuracy_difference,
        pair.slow_sec,
        pair.slow_accuracy,
        pair.fast_sec,
    )


def _scale(axis, runs: list) -> None:
    starts = [run.curve[0][0] if run.curve else run.train_sec for run in runs]
    shown = [accuracy for run in runs for _, accuracy in run.curve]
    lowest = min(shown + [run.best_test_accuracy for run in runs])
    axis.set(
        xlabel="training time: steps and their input (logarithmic)",
        ylabel="accuracy",
        xscale="log",
        xlim=(min(starts) / 1.3, max(run.train_sec for run in runs) * 2),
        ylim=(lowest - 0.03, 1),
    )
    axis.xaxis.set_major_locator(FixedLocator(_TICKS_SEC))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(lambda sec, _: _time(sec))
    axis.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


def _time(sec: float) -> str:
    return f"{sec:.3g} s" if sec < 60 else f"{sec / 60:.3g} min"

"""Intervals of what is measured, by SciPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Returns Wilson's 95 % score interval of a proportion.

    Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 1927.
    """
    # Here, as the import takes half a second, and a training starts without.
    from scipy import stats

    result = stats.binomtest(successes, trials)
    interval = result.proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mean_and_interval(values: Sequence[float]) -> dict[str, Any]:
    """Returns mean, sample standard deviation and the mean's 95 % interval.

    The interval is Student's: of the mean over seeds, of values that are about
    normal. It says nothing of another test set.

    Args:
        values: two at least.

    Returns:
        mean, std, ci95 (low, high) and the values themselves, by name.
    """
    from scipy import stats

    mean, std = float(np.mean(values)), float(np.std(values, ddof=1))
    quantile = float(stats.t.ppf(0.975, len(values) - 1))
    half = quantile * std / len(values) ** 0.5
    return {
        "mean": mean,
        "std": std,
        "ci95": [mean - half, mean + half],
        "values": list(values),
    }

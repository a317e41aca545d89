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


def wilson_interval_of_share(
    share: float, num_effective: float
) -> tuple[float, float]:
    """Returns Wilson's 95 % interval where trials are not alike.

    Args:
        share: of the successes.
        num_effective: how many independent trials would say as much.
    """
    z = 1.959963984540054  # the normal distribution's 97.5 % quantile
    center = share + z**2 / (2 * num_effective)
    half = (
        z
        * ((share * (1 - share) + z**2 / (4 * num_effective)) / num_effective)
        ** 0.5
    )
    low, high = (
        (center + side * half) / (1 + z**2 / num_effective) for side in (-1, 1)
    )
    return max(0.0, low), min(1.0, high)


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

"""How well probabilities say how often a classifier is right."""

import dataclasses

import numpy as np

# The least that float16 can hold above 0: what was less is not known.
_LEAST = 2.0**-24


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, in bins of equal width of the confidence.

    Attributes:
        counts: int64 [num_bins], how many examples are in each.
        confidence: float64 [num_bins], the mean probability of the predicted
            class; NaN in an empty bin, as the accuracy.
        accuracy: float64 [num_bins], the share that is classified right.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, in [0, 1].

        Naeini et al., "Obtaining well calibrated probabilities using Bayesian
        binning", AAAI 2015; as in Guo et al., arXiv 1706.04599.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(gaps * self.counts) / self.counts.sum())


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, num_bins: int = 15
) -> Reliability:
    """Returns how right predictions are, by their confidence.

    A bin holds its upper edge, the first one 0 as well.

    Args:
        probabilities: [num_examples, num_classes].
        labels: integers [num_examples].
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, num_bins + 1)[1:-1]
    bins = np.searchsorted(edges, confidence)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty one
        return Reliability(
            counts,
            np.bincount(bins, confidence, num_bins) / counts,
            np.bincount(bins, right, num_bins) / counts,
        )


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean squared distance to the one-hot labels, in [0, 2].

    Brier, "Verification of forecasts expressed in terms of probability",
    Monthly Weather Review 1950: the sum over all classes.
    """
    distances = probabilities.astype(np.float64)
    distances[np.arange(len(labels)), labels] -= 1
    return float(np.square(distances).sum(axis=1).mean())


def cross_entropy(
    probabilities: np.ndarray, labels: np.ndarray, temperature: float = 1.0
) -> float:
    """Returns the mean of -log p(label), in nats, at a temperature."""
    logits = _log(probabilities) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(logits).sum(axis=1))
    return float((log_total - logits[np.arange(len(labels)), labels]).mean())


def best_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Returns the temperature of the least cross-entropy, from 0.05 to 20.

    Above 1 the probabilities are too bold, below 1 too timid. Guo et al., "On
    calibration of modern neural networks", arXiv 1706.04599.
    """
    logits = _log(probabilities)
    logits -= logits.max(axis=1, keepdims=True)
    of_labels = logits[np.arange(len(labels)), labels].mean()

    def slope(inverse: float) -> float:
        """Returns that of the cross-entropy, which is convex in 1 / T."""
        powers = np.exp(inverse * logits)
        means = (powers * logits).sum(axis=1) / powers.sum(axis=1)
        return means.mean() - of_labels

    # By halves: the import of scipy.optimize takes a third of the time in which
    # a page is written.
    low, high = np.log(0.05), np.log(20)
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (
            (low, middle) if slope(np.exp(middle)) > 0 else (middle, high)
        )
    return float(np.exp(-middle))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the probabilities, float64, at another temperature."""
    logits = _log(probabilities) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def accuracy_by_coverage(
    probabilities: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Returns the accuracy on the surest 1, 2 ... n examples, float64 [n].

    Geifman and El-Yaniv, "Selective classification for deep neural networks",
    arXiv 1705.08500.
    """
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    return right[order].cumsum() / np.arange(1, len(labels) + 1)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities.astype(np.float64), _LEAST))

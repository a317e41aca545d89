"""Noise of CIFAR-10-C: of the sensor, of few photons, of dead pixels.

Definitions and constants as in the authors' make_cifar_c.py
(github.com/hendrycks/robustness) for Hendrycks and Dietterich, arXiv
1903.12261.
All take uint8 images [n, 32, 32, 3] and return such; severity is 1 to 5.
"""

import numpy as np

from cifar10_tf.evaluation.corruptions.filters import to_bytes


def _normal(rng: np.random.Generator, shape, scale: float) -> np.ndarray:
    noise = rng.standard_normal(shape, np.float32)
    noise *= np.float32(scale)
    return noise


def gaussian_noise(images, severity: int, rng) -> np.ndarray:
    """Adds normal noise, as of a sensor in the dark."""
    scale = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    return to_bytes(images + _normal(rng, images.shape, 255 * scale))


def speckle_noise(images, severity: int, rng) -> np.ndarray:
    """Adds normal noise that is stronger where it is brighter."""
    scale = (0.06, 0.1, 0.12, 0.16, 0.2)[severity - 1]
    return to_bytes(images + images * _normal(rng, images.shape, scale))


def shot_noise(images, severity: int, rng) -> np.ndarray:
    """Counts photons: Poisson noise, of so many at full brightness."""
    full = (500, 250, 100, 75, 50)[severity - 1]
    photons = rng.poisson(images * (full / 255))
    return to_bytes(photons.astype(np.float32) * np.float32(255 / full))


def impulse_noise(images, severity: int, rng) -> np.ndarray:
    """Turns some values to 0 or 255: salt and pepper, each channel alone."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    chance = rng.random(images.shape, np.float32)
    result = np.where(chance < share / 2, np.uint8(0), images)
    return np.where(chance >= 1 - share / 2, np.uint8(255), result)

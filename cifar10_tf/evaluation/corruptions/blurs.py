"""Blurs of CIFAR-10-C: out of focus, behind glass, in motion.

Definitions and constants as in the authors' make_cifar_c.py
(github.com/hendrycks/robustness) for Hendrycks and Dietterich, arXiv
1903.12261.
All take uint8 images [n, 32, 32, 3] and return such; severity is 1 to 5.
"""

import functools

import numpy as np

from cifar10_tf.evaluation.corruptions import filters
from cifar10_tf.evaluation.corruptions.filters import (
    SIZE,
    filter_both,
    to_images,
    to_planes,
)


def gaussian_blur(images, severity: int, rng) -> np.ndarray:
    """Blurs with a Gaussian; nothing is random."""
    sigma = (0.4, 0.6, 0.7, 0.8, 1)[severity - 1]
    return _gaussian_blur(images, sigma)


def _gaussian_blur(images, sigma: float) -> np.ndarray:
    matrix = filters.blur_matrix(sigma)
    return to_images(filter_both(matrix, to_planes(images)))


def defocus_blur(images, severity: int, rng) -> np.ndarray:
    """Blurs with a disk whose edge is smooth; nothing is random."""
    radius, smooth = (
        (0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)
    )[severity - 1]  # fmt: skip
    place = np.arange(-2, 3)  # all of the largest disk and of what smooths it
    disk = (place[:, None] ** 2 + place**2 <= radius**2).astype(np.float64)
    line = np.exp(-(np.arange(-1, 2) ** 2) / (2 * smooth**2))
    line /= line.sum()
    for axis in 0, 1:
        disk = np.apply_along_axis(np.convolve, axis, disk, line, "same")
    return to_images(filters.correlate(to_planes(images), disk / disk.sum()))


def glass_blur(images, severity: int, rng) -> np.ndarray:
    """Blurs, gives pixels the colours of neighbours at random, and blurs.

    The authors' loop means to exchange two pixels, but copies one over the
    other, as NumPy's slices are views. It goes from the last pixel to the
    first, and takes a pixel from before: so all can be taken at once.
    """
    sigma, rounds = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))[
        severity - 1
    ]
    images = _gaussian_blur(images, sigma)
    for _ in range(rounds):
        steps = rng.integers(0, 2, (2, len(images), SIZE, SIZE), np.uint8)
        steps[:, :, :2] = steps[:, :, :, :2] = 0  # the first two stay
        images = _take_from_before(images, *steps)
    return _gaussian_blur(images, sigma)


def _take_from_before(images, up: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Returns each pixel's neighbour, `up` and `left` by 0 or 1."""
    places = np.arange(len(images) * SIZE**2).reshape(up.shape)
    places = places - up * np.int64(SIZE) - left
    return images.reshape(-1, 3).take(places, axis=0)


def motion_blur(images, severity: int, rng) -> np.ndarray:
    """Blurs along a line, at up to 45 degrees from the horizontal."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    degrees = rng.uniform(-45, 45, len(images))
    planes = to_planes(images)
    return to_images(filters.motion_blur(planes, radius, sigma, degrees))


def zoom_blur(images, severity: int, rng) -> np.ndarray:
    """Averages over ever larger magnifications; nothing is random."""
    planes = to_planes(images)
    flat = planes.reshape(-1, SIZE**2) @ _mean_zoom(severity)
    return to_images(flat.reshape(planes.shape))


@functools.lru_cache
def _mean_zoom(severity: int) -> np.ndarray:
    """Returns the whole corruption as one matrix, [1024, 1024]."""
    end = (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1]
    zooms = [filters.zoom_matrix(f) for f in np.arange(1, end, 0.01)]
    mean = np.eye(SIZE**2, dtype=np.float32)
    for matrix in zooms:
        mean += np.kron(matrix, matrix)
    return mean.T / np.float32(len(zooms) + 1)

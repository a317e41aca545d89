"""Weather of CIFAR-10-C: snow, fog, and what splashes onto the lens.

Definitions and constants as in the authors' make_cifar_c.py
(github.com/hendrycks/robustness) for Hendrycks and Dietterich, arXiv
1903.12261.
All take uint8 images [n, 32, 32, 3] and return such; severity is 1 to 5. Frost
is left out: it needs pictures of frost.
"""

import numpy as np

from cifar10_tf.evaluation.corruptions import drops, filters
from cifar10_tf.evaluation.corruptions.filters import SIZE, to_images, to_planes

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_TURQUOISE = np.array([175, 238, 238], np.float32)
_BROWN = np.array([63, 42, 20], np.float32)


def snow(images, severity: int, rng) -> np.ndarray:
    """Whitens, and lets flakes fall, blurred by their motion, twice."""
    mean, spread, zoom, lowest, radius, sigma, kept = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )[severity - 1]
    flakes = _normal(rng, len(images), mean, spread)
    flakes = filters.filter_both(filters.zoom_matrix(zoom), flakes)
    flakes[flakes < lowest] = 0
    flakes = np.floor(255 * np.clip(flakes, 0, 1))
    degrees = rng.uniform(-135, -45, len(images))
    flakes = filters.motion_blur(flakes[None], radius, sigma, degrees)
    fallen = flakes + flakes[..., ::-1, ::-1]
    planes = to_planes(images)
    luma = np.tensordot(_LUMA, planes, 1)
    white = np.maximum(planes, luma * np.float32(1.5) + np.float32(127.5))
    kept = np.float32(kept)
    return to_images(kept * planes + (1 - kept) * white + fallen)


def _normal(rng, num_images: int, mean: float, spread: float) -> np.ndarray:
    noise = rng.standard_normal((num_images, SIZE, SIZE), np.float32)
    return np.float32(mean) + np.float32(spread) * noise


def fog(images, severity: int, rng) -> np.ndarray:
    """Adds a fractal of plasma, and keeps the brightest value where it was."""
    amount, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[
        severity - 1
    ]
    amount = np.float32(255 * amount)
    planes = to_planes(images)
    most = planes.max(axis=(0, 2, 3), keepdims=True)
    clouds = plasma(rng, len(images), decay)
    return to_images((planes + amount * clouds) * (most / (most + amount)))


def plasma(rng, num_images: int, decay: float) -> np.ndarray:
    """Returns height maps of the diamond-square algorithm, on a torus.

    float32 [num_images, 32, 32], from 0 to 1 each; `decay` is by how much the
    random part shrinks from one scale to the next.
    """
    heights = np.zeros((num_images, SIZE, SIZE), np.float32)
    wibble, step = 100.0, SIZE

    def moved(sums):
        noise = rng.random(sums.shape, np.float32) * 2 - 1
        return sums / 4 + np.float32(wibble**2) * noise

    while step >= 2:
        half = step // 2
        corners = heights[:, ::step, ::step]
        middles = heights[:, half::step, half::step]
        sums = corners + np.roll(corners, -1, 1)
        middles[...] = moved(sums + np.roll(sums, -1, 2))
        for axis, edges in (
            (1, heights[:, ::step, half::step]),
            (2, heights[:, half::step, ::step]),
        ):
            beside = corners + np.roll(corners, -1, 3 - axis)
            edges[...] = moved(middles + np.roll(middles, 1, axis) + beside)
        step, wibble = half, wibble / decay
    heights -= heights.min(axis=(1, 2), keepdims=True)
    return heights / heights.max(axis=(1, 2), keepdims=True)


def spatter(images, severity: int, rng) -> np.ndarray:
    """Splashes water (severity 1 to 3) or mud (4 and 5) onto the lens."""
    mean, spread, sigma, lowest, amount = (
        (0.62, 0.1, 0.7, 0.7, 0.5),
        (0.65, 0.1, 0.8, 0.7, 0.5),
        (0.65, 0.3, 1, 0.69, 0.5),
        (0.65, 0.1, 0.7, 0.69, 0.6),
        (0.65, 0.1, 0.5, 0.68, 0.6),
    )[severity - 1]
    liquid = _normal(rng, len(images), mean, spread)
    liquid = filters.filter_both(filters.blur_matrix(sigma), liquid)
    liquid[liquid < lowest] = 0
    planes = to_planes(images)
    if severity <= 3:
        wet = np.float32(amount) * _water(liquid)
        return to_images(planes + np.multiply.outer(_TURQUOISE, wet))
    blurred = filters.blur_matrix(amount)
    dirt = filters.filter_both(blurred, (liquid > lowest).astype(np.float32))
    dirt[dirt < 0.8] = 0
    return to_images(planes * (1 - dirt) + np.multiply.outer(_BROWN, dirt))


def _water(liquid: np.ndarray) -> np.ndarray:
    """Returns how the light falls into drops, 0 to 1 of each image.

    Where the authors' image without a drop turns black, there is none here.
    """
    liquid = np.floor(255 * np.clip(liquid, 0, 1))
    light = liquid * drops.relief(liquid)
    most = light.max(axis=(1, 2), keepdims=True)
    return light / np.maximum(most, 1)

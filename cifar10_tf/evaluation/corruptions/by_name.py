"""The corruptions of CIFAR-10-C by name, on all cores.

Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019, arXiv 1903.12261, with the constants
that the authors chose for CIFAR-10 (make_cifar_c.py in
github.com/hendrycks/robustness).
"""

import concurrent.futures
import os

import numpy as np

from cifar10_tf.evaluation.corruptions import blurs, digital, noise, weather

# All but frost, which needs pictures of frost.
CORRUPTIONS = {
    "gaussian_noise": noise.gaussian_noise,
    "shot_noise": noise.shot_noise,
    "impulse_noise": noise.impulse_noise,
    "speckle_noise": noise.speckle_noise,
    "defocus_blur": blurs.defocus_blur,
    "glass_blur": blurs.glass_blur,
    "motion_blur": blurs.motion_blur,
    "zoom_blur": blurs.zoom_blur,
    "gaussian_blur": blurs.gaussian_blur,
    "snow": weather.snow,
    "fog": weather.fog,
    "spatter": weather.spatter,
    "brightness": digital.brightness,
    "contrast": digital.contrast,
    "saturate": digital.saturate,
    "elastic_transform": digital.elastic_transform,
    "pixelate": digital.pixelate,
    "jpeg_compression": digital.jpeg_compression,
}

SEVERITIES = (1, 2, 3, 4, 5)

# Images at a time, in each thread: what is computed of them fits into a cache.
_CHUNK = 250


def corrupt(
    images: np.ndarray, name: str, severity: int, seed: int = 0
) -> np.ndarray:
    """Returns corrupted images; the same seed gives the same bits.

    With the same versions of NumPy, SciPy and Pillow, that is, and on the same
    kind of machine. Most of the time NumPy lets threads run side by side.

    Args:
        images: uint8 [n, 32, 32, 3].
        name: of `CORRUPTIONS`.
        severity: from 1 to 5.
        seed: of the random ones; each name and severity draws other numbers.

    Returns:
        uint8 [n, 32, 32, 3].
    """
    function = CORRUPTIONS[name]
    result = np.empty(images.shape, np.uint8)

    def corrupt_chunk(start: int) -> None:
        chunk = slice(start, start + _CHUNK)
        rng = np.random.default_rng([seed, severity, start, *name.encode()])
        result[chunk] = function(np.asarray(images[chunk]), severity, rng)

    with concurrent.futures.ThreadPoolExecutor(_num_threads()) as pool:
        list(pool.map(corrupt_chunk, range(0, len(images), _CHUNK)))
    return result


def _num_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Where a network looks: what hiding a part of an image does to its answer.

Occlusion maps of Zeiler and Fergus, "Visualizing and Understanding
Convolutional Networks", arXiv 1311.2901. They need nothing but predictions, so
every network and every export has them, and at 32 x 32 pixels they are finer
than maps of gradients at a convolution, which has 8 x 8 values there or fewer.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from cifar10_tf.datasets.image_files import SIZE
from cifar10_tf.deployment.predictions import Prediction

# Pixels. A patch covers a wheel or a head, and moves by less than its size.
_PATCH, _STRIDE = 8, 2

# Pixels of the picture for one of the image.
_ENLARGED = 8

Probabilities = Callable[[np.ndarray], np.ndarray]


def explain(
    prediction: Prediction, probabilities: Probabilities
) -> Image.Image:
    """Returns what the network got, and beside it where it looks.

    Args:
        prediction: whose most probable class is explained.
        probabilities: as of `heat_map`.
    """
    size = _ENLARGED * SIZE
    pixels = Image.fromarray(prediction.image)
    both = Image.new("RGB", (2 * size + _ENLARGED, size), "white")
    both.paste(pixels.resize((size, size), Image.Resampling.NEAREST), (0, 0))
    looked_at = where_it_looks(prediction, probabilities, size)
    both.paste(looked_at, (size + _ENLARGED, 0))
    return both


def where_it_looks(
    prediction: Prediction, probabilities: Probabilities, size: int
) -> Image.Image:
    """Returns the overlay of the heat map of the most probable class.

    Args:
        prediction: of the network.
        probabilities: as of `heat_map`.
        size: as of `overlay`.
    """
    label = int(prediction.probabilities.argmax())
    heat = heat_map(prediction.image, label, probabilities)
    return overlay(prediction.image, heat, size)


def heat_map(
    image: np.ndarray, label: int, probabilities: Probabilities
) -> np.ndarray:
    """Returns how much each pixel speaks for a class, float32 [32, 32].

    It is the mean fall of the log-odds of the class, in nats, over all patches
    that hide the pixel under the mean colour of the image; what speaks against
    the class is negative.

    Args:
        image: uint8 [32, 32, 3].
        label: of the class.
        probabilities: uint8 [n, 32, 32, 3] -> float32 [n, num_classes].
    """
    starts = range(_STRIDE - _PATCH, SIZE, _STRIDE)
    # Beyond the edge a patch hides less, so that pixels there count the same.
    patches = [
        np.s_[max(y, 0) : y + _PATCH, max(x, 0) : x + _PATCH]
        for y in starts
        for x in starts
    ]
    hidden = np.repeat(image[None], 1 + len(patches), axis=0)
    for variant, patch in zip(hidden[1:], patches, strict=True):
        variant[patch] = image.mean(axis=(0, 1)).round()
    log_odds = _log_odds(probabilities(hidden)[:, label])
    falls, counts = np.zeros((2, SIZE, SIZE), np.float32)
    for patch, after in zip(patches, log_odds[1:], strict=True):
        falls[patch] += log_odds[0] - after
        counts[patch] += 1
    return falls / counts


def _log_odds(p: np.ndarray) -> np.ndarray:
    # What is sure to the last digit has no logarithm.
    p = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)


def overlay(image: np.ndarray, heat: np.ndarray, size: int) -> Image.Image:
    """Returns the image in grey, red where it speaks for the class.

    Args:
        image: uint8 [32, 32, 3].
        heat: of `heat_map`; what speaks against the class is blue.
        size: of the picture, in pixels.
    """
    strength = heat / max(np.abs(heat).max(), 1e-6)
    grey = Image.fromarray(image).convert("L").convert("RGB")
    grey = np.asarray(grey.resize((size, size), Image.Resampling.BICUBIC))
    strength = Image.fromarray(strength.astype(np.float32))
    strength = np.asarray(
        strength.resize((size, size), Image.Resampling.BICUBIC)
    )
    color = np.where(strength[..., None] > 0, (214, 39, 40), (31, 119, 180))
    share = 0.75 * np.minimum(np.abs(strength), 1.0)[..., None]
    mixed = (1 - share) * grey + share * color
    return Image.fromarray(mixed.round().astype(np.uint8))

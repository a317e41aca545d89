"""Corruptions of CIFAR-10-C by light and by processing.

Definitions and constants as in the authors' make_cifar_c.py
(github.com/hendrycks/robustness) for Hendrycks and Dietterich, arXiv
1903.12261.
All take uint8 images [n, 32, 32, 3] and return such; severity is 1 to 5.
"""

import io

import numpy as np
from PIL import Image

from cifar10_tf.evaluation.corruptions import filters
from cifar10_tf.evaluation.corruptions.filters import SIZE, to_images, to_planes


def brightness(images, severity: int, rng) -> np.ndarray:
    """Raises the value of HSV; nothing is random.

    With hue and saturation as they were, all channels grow in proportion.
    """
    more = np.float32(255 * (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1])
    planes = to_planes(images)
    value = planes.max(axis=0)
    raised = np.minimum(value + more, 255)
    ratio = raised / np.maximum(value, 1)
    return to_images(np.where(value > 0, planes * ratio, raised))


def saturate(images, severity: int, rng) -> np.ndarray:
    """Changes the saturation of HSV; nothing is random.

    With hue and value as they were, distances from the largest channel grow in
    proportion. The hue of grey counts as red.
    """
    factor, more = ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))[
        severity - 1
    ]
    planes = to_planes(images)
    value = planes.max(axis=0)
    below = value - planes
    most = below.max(axis=0)
    below[1:] += most == 0  # grey: green and blue are taken off
    saturation = most / np.maximum(value, 1)
    wanted = value * np.clip(saturation * factor + more, 0, 1)
    return to_images(value - below * (wanted / np.maximum(most, 1)))


def contrast(images, severity: int, rng) -> np.ndarray:
    """Brings all values nearer to their channel's mean; nothing is random."""
    factor = np.float32((0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1])
    planes = to_planes(images)
    means = planes.mean(axis=(2, 3), keepdims=True)
    return to_images((planes - means) * factor + means)


def pixelate(images, severity: int, rng) -> np.ndarray:
    """Makes images smaller and large again; nothing is random.

    As Pillow's filter BOX, which rounds after each of the two directions.
    """
    size = int(SIZE * (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1])
    down = _box_matrix(SIZE, size)
    up = _box_matrix(size, SIZE)
    planes = to_planes(images)
    planes = np.floor(planes @ down.T + np.float32(0.5))
    planes = np.floor(down @ planes + np.float32(0.5))
    return to_images(filters.filter_both(up, planes))


def _box_matrix(size: int, new_size: int) -> np.ndarray:
    """Returns what Pillow does along a side, float32 [new_size, size]."""
    identity = Image.fromarray(np.eye(size, dtype=np.float32))
    return np.asarray(identity.resize((size, new_size), Image.Resampling.BOX))


def jpeg_compression(images, severity: int, rng) -> np.ndarray:
    """Compresses by JPEG, as Pillow does; nothing is random."""
    quality = (80, 65, 58, 50, 40)[severity - 1]
    result = np.empty_like(images)
    for image, row in zip(images, result, strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        row[...] = Image.open(file)
    return result


def elastic_transform(images, severity: int, rng) -> np.ndarray:
    """Moves three points and all between, then each pixel by smooth noise."""
    strength, sigma, shift = SIZE * np.array(
        (
            (0, 0, 0.08),
            (0.05, 0.2, 0.07),
            (0.08, 0.06, 0.06),
            (0.1, 0.04, 0.05),
            (0.1, 0.03, 0.03),
        )[severity - 1]
    )
    y, x = _affine_places(rng, len(images), shift)
    planes = filters.sample(to_planes(images), y, x, mirror=True)
    blur = filters.blur_matrix(sigma, mode="reflect", truncate=3.0)
    noise = rng.random((2, len(images), SIZE, SIZE), np.float32) * 2 - 1
    down, right = filters.filter_both(blur, noise) * np.float32(strength)
    y, x = np.indices((SIZE, SIZE), np.float32)
    return to_images(filters.sample(planes, y + down, x + right, mirror=False))


def _affine_places(rng, num_images: int, shift: float) -> np.ndarray:
    """Returns where each pixel comes from, float32 [2, n, 32, 32]: y and x.

    Three points around the middle move by up to `shift` pixels each way.
    """
    low, high = SIZE // 2 - SIZE // 3, SIZE // 2 + SIZE // 3
    points = np.array([[high, high], [high, low], [low, low]])  # x, y
    moved = points + rng.uniform(-shift, shift, (num_images, 3, 2))
    ones = np.ones((num_images, 3, 1))
    # [x, y, 1] of where a pixel is -> x, y of where it was.
    back = np.linalg.solve(np.concatenate([moved, ones], axis=2), points)
    y, x = np.indices((SIZE, SIZE))
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ back[:, None]
    return places.astype(np.float32).transpose(3, 0, 1, 2)[::-1]

"""RandAugment on batches: every image gets its own operations, vectorised.

It is NumPy's work, all in one call: a group of images stays in the processor's
cache from one step to the next, which the pixels of a batch do not.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from cifar10_tf.pipeline.draws import Draws
from cifar10_tf.pipeline.numpy_calls import call_numpy

_NUM_LAYERS = 2
_HIGHEST_MAGNITUDE = 30
_VALUES = np.arange(256, dtype=np.float32)


def randaugment(images, draws: Draws, magnitude: int):
    """Applies two operations to each image, each any of 14, equally likely.

    Cubuk et al., "RandAugment", CVPR Workshops 2020, arXiv 1909.13719, with
    their 14 operations and the magnitudes of torchvision; black where a
    geometric operation uncovers something, shears about the centre.

    Args:
        images: uint8 [batch, height, width, 3].
        magnitude: 0 to 30.

    Returns:
        uint8, of the same shape.
    """
    layers = [
        layer_draws.uniform(
            before=[2], high=2 * len(_OPERATIONS), dtype=tf.int32
        )
        for layer_draws in draws.split(_NUM_LAYERS)
    ]
    apply = functools.partial(_apply, level=magnitude / _HIGHEST_MAGNITUDE)
    changed = call_numpy(apply, [images, tf.stack(layers)])
    return tf.reshape(changed, tf.shape(images))


def _apply(images, layers, level):
    for which, negative in layers:
        which %= len(_OPERATIONS)
        sign = (1 - 2 * (negative % 2)).astype(np.float32)
        # Each operation on the images that drew it, and all put back in place.
        order = np.argsort(which)
        ends = np.searchsorted(which[order], range(1, len(_OPERATIONS)))
        changed = np.empty_like(images)
        for operation, group in zip(
            _OPERATIONS, np.split(order, ends), strict=True
        ):
            changed[group] = operation(images[group], level, sign[group])
        images = changed
    return images


def _of_arrays(change: Callable) -> Callable:
    """Makes an operation of tensors, too, of one of arrays."""

    def operation(images, level, sign):
        if isinstance(images, np.ndarray):
            return change(images, level, sign)
        return tf.constant(change(np.asarray(images), level, np.asarray(sign)))

    return operation


def _identity(images, level, sign):
    return images


def _affine(matrix):
    """Makes an operation of what maps (level, sign, size) to a matrix.

    The matrix, [[a, b, c], [d, e, f]] of arrays like sign, takes coordinates
    relative to the centre of the result to those in the image.
    """

    @_of_arrays
    def operation(images, level, sign):
        num, height, width, channels = images.shape
        num_pixels = 1 + height * width
        pixels = np.zeros((num, num_pixels, channels), np.uint8)
        pixels[:, 1:] = images.reshape(num, height * width, channels)
        sources = _sources(matrix, level, height, width)
        which = sources[(sign < 0).astype(np.int64)]
        which += np.arange(num)[:, None] * num_pixels
        # All are there; looking for those beyond the end takes time.
        pixels = pixels.reshape(-1, channels).take(which, axis=0, mode="clip")
        return pixels.reshape(images.shape)

    return operation


@functools.cache
def _sources(matrix, level, height: int, width: int) -> np.ndarray:
    """Returns which pixel each pixel of the result is, by sign: 1 and -1.

    int64 [2, height * width], counted row by row, from 1; 0 is none.
    """
    sign = np.array([1, -1], np.float32)[:, None, None]
    x, y = np.arange(width), np.arange(height)[:, None]
    x, y = x.astype(np.float32), y.astype(np.float32)
    cx, cy = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
    one, zero = np.ones_like(sign), np.zeros_like(sign)
    from_x, from_y = (
        _nearest(a * x + b * y + (c + center - a * cx - b * cy))
        for (a, b, c), center in zip(
            matrix(np.float32(level) * sign, width, one, zero),
            (cx, cy),
            strict=True,
        )
    )
    inside = (from_x >= 0) & (from_x < width)
    inside &= (from_y >= 0) & (from_y < height)
    return np.where(inside, 1 + from_y * width + from_x, 0).reshape(2, -1)


def _nearest(x):
    # Halves away from 0, as the operation of TensorFlow's that this replaced.
    x = x.astype(np.float64)
    return np.copysign(np.floor(np.abs(x) + 0.5), x).astype(np.int64)


def _rotation(level, size, one, zero):
    angle = level * np.float32(30 * math.pi / 180)
    cos, sin = np.cos(angle), np.sin(angle)
    return (cos, sin, zero), (-sin, cos, zero)


def _shear_x(level, size, one, zero):
    return (one, np.float32(0.3) * level, zero), (zero, one, zero)


def _shear_y(level, size, one, zero):
    return (one, zero, zero), (np.float32(0.3) * level, one, zero)


def _translation(level, size):
    return np.trunc(level * np.float32(150 / 331 * size))


def _translation_x(level, size, one, zero):
    shift = _translation(level, size)
    return (one, zero, shift), (zero, one, zero)


def _translation_y(level, size, one, zero):
    shift = _translation(level, size)
    return (one, zero, zero), (zero, one, shift)


def _blending(degenerate):
    """Makes an operation that moves images from, or to, a degenerate form."""

    @_of_arrays
    def operation(images, level, sign):
        mixed = images.astype(np.float32)
        other = np.asarray(degenerate(mixed))
        factor = np.float32(1) + np.float32(0.9 * level) * sign
        mixed -= other
        mixed *= factor[:, None, None, None]
        mixed += other
        return _to_bytes(np.clip(mixed, 0, 255, out=mixed))

    return operation


def _to_bytes(x):
    return np.rint(x, out=x).astype(np.uint8)


def _black(x):
    return np.float32(0)


def _grey(x):
    # ITU-R 601, as Pillow and torchvision have it.
    red, green, blue = np.moveaxis(x, -1, 0)
    grey = np.float32(0.299) * red
    grey += np.float32(0.587) * green
    grey += np.float32(0.114) * blue
    # Of the images' shape: loops over three channels are slow, here and below.
    all_channels = np.empty_like(x)
    for channel in range(3):
        all_channels[..., channel] = grey
    return all_channels


def _mean_grey(x):
    num, height, width, channels = x.shape
    # Sums of whole numbers are exact, in whatever order.
    sums = _rows(x).sum(axis=1).reshape(num, width, channels)
    sums = sums.sum(axis=1, dtype=np.float64)
    means = sums @ [0.299, 0.587, 0.114] / (height * width)
    return means.astype(np.float32)[:, None, None, None]


def _smooth(x):
    """Returns Pillow's smoothed image, its border as it is."""
    # A mean of 3 x 3 in which the centre counts five times.
    sums = x.astype(np.uint16)
    sums = sums[:, :-2] + sums[:, 1:-1] + sums[:, 2:]
    sums = sums[:, :, :-2] + sums[:, :, 1:-1] + sums[:, :, 2:]
    smooth = x.copy()
    inner = smooth[:, 1:-1, 1:-1]
    inner *= 4
    # Rounded as the mean that it is of a mean of nine and the centre.
    inner += sums / np.float32(9) * np.float32(9)
    inner /= 13
    return smooth


@_of_arrays
def _posterize(images, level, sign):
    num_bits = 8 - round(4 * level)
    return images & np.uint8(256 - 2 ** (8 - num_bits))


@_of_arrays
def _solarize(images, level, sign):
    threshold = math.ceil(255 * (1 - level))
    return images ^ ((images >= threshold).view(np.uint8) * np.uint8(255))


@_of_arrays
def _autocontrast(images, level, sign):
    num, _, width, channels = images.shape

    def of_channels(extreme):
        across = extreme(_rows(images), axis=1).reshape(num, width, channels)
        return extreme(across, axis=1).astype(np.float32)

    def by_rows(values):
        return np.tile(values, width)[:, None]

    low, high = of_channels(np.min), of_channels(np.max)
    is_flat = high == low  # such a channel stays as it is
    stretched = _rows(images) - by_rows(np.where(is_flat, 0, low))
    stretched *= by_rows(np.where(is_flat, 1, np.float32(255)))
    stretched /= by_rows(np.where(is_flat, 1, high - low))
    return _to_bytes(stretched).reshape(images.shape)


@_of_arrays
def _equalize(images, level, sign):
    """Maps values so that they are evenly frequent, in each channel."""
    num, _, width, channels = images.shape
    num_maps = num * channels
    first = 256 * np.arange(num_maps).reshape(num, channels)
    entries = _rows(images) + np.tile(first, width)[:, None]
    counts = np.bincount(entries.reshape(-1), minlength=num_maps * 256)
    # Floats are exact here, and divide faster.
    counts = counts.reshape(num_maps, 256).astype(np.float32)
    below = counts.cumsum(axis=1) - counts
    # The last value that occurs does not count: all others are below it.
    step = (below * (counts > 0)).max(axis=1, keepdims=True) // 255
    table = (below + step // 2) / np.maximum(step, 1)
    table = np.where(step > 0, np.minimum(table, 255), _VALUES)
    table = table.astype(np.uint8).reshape(-1)
    return table.take(entries, mode="clip").reshape(images.shape)


def _rows(images):
    """Returns [num, height, width * channels]: loops of some length."""
    num, height, width, channels = images.shape
    return images.reshape(num, height, width * channels)


_OPERATIONS = (
    _identity,
    _autocontrast,
    _equalize,
    _affine(_rotation),
    _solarize,
    _blending(_grey),  # colour
    _posterize,
    _blending(_mean_grey),  # contrast
    _blending(_black),  # brightness
    _blending(_smooth),  # sharpness
    _affine(_shear_x),
    _affine(_shear_y),
    _affine(_translation_x),
    _affine(_translation_y),
)

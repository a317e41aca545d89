"""RandAugment on batches: every image gets its own operations.

A compiled loop over the images: no image leaves the processor's cache on the
way, and no Python stands in the way of other threads. Groups of images with the
same operation took three times as long in TensorFlow, and in NumPy, whose lock
keeps the second core waiting, one and a half times.
"""

import math

import numpy as np
import tensorflow as tf

from cifar10_tf.pipeline.draws import Draws
from cifar10_tf.pipeline.pixels import in_one_pass

_NUM_LAYERS = 2
_HIGHEST_MAGNITUDE = 30


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
    return _apply(images, tf.stack(layers), magnitude / _HIGHEST_MAGNITUDE)


@in_one_pass
def _apply(images, layers, level):
    """Applies the operations drawn for each layer, one image at a time.

    Args:
        images: uint8 [batch, height, width, 3].
        layers: int32 [layers, 2, batch], which operation, and its sign.
        level: 0 to 1.
    """
    num_images = tf.shape(images)[0]
    which, negative = tf.unstack(layers, axis=1)
    which %= len(_OPERATIONS)
    sign = 1.0 - 2.0 * tf.cast(negative % 2, tf.float32)

    def change(number, images):
        layer, i = number // num_images, number % num_images
        image, its_sign = images[i][None], sign[layer, i][None]
        changed = tf.switch_case(
            which[layer, i],
            [
                lambda operation=operation: operation(image, level, its_sign)
                for operation in _OPERATIONS
            ],
        )
        return number + 1, tf.tensor_scatter_nd_update(images, [[i]], changed)

    _, changed = tf.while_loop(
        lambda number, _: number < _NUM_LAYERS * num_images,
        change,
        (0, images),
    )
    return changed


def _identity(images, level, sign):
    return images


def _affine(matrix):
    """Makes an operation of what maps (level, sign, size) to a matrix.

    The matrix, [[a, b, c], [d, e, f]] of arrays like sign, takes coordinates
    relative to the centre of the result to those in the image.
    """

    def operation(images, level, sign):
        _, height, width, channels = images.shape
        # The same for all images of a sign.
        sources = tf.constant(_sources(matrix, level, height, width))
        pixels = tf.reshape(images, [-1, height * width, channels])
        pixels = tf.pad(pixels, [[0, 0], [1, 0], [0, 0]])  # the first is black
        which = tf.gather(sources, tf.cast(sign < 0, tf.int32))
        return tf.reshape(
            tf.gather(pixels, which, batch_dims=1), tf.shape(images)
        )

    return operation


def _sources(matrix, level, height: int, width: int) -> np.ndarray:
    """Returns which pixel each pixel of the result is, by sign: 1 and -1.

    int32 [2, height * width], counted row by row, from 1; 0 is none.
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
    sources = np.where(inside, 1 + from_y * width + from_x, 0)
    return sources.reshape(2, -1).astype(np.int32)


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

    def operation(images, level, sign):
        x = tf.cast(images, tf.float32)
        y = tf.cast(degenerate(images), tf.float32)
        factor = (1.0 + 0.9 * level * sign)[:, None, None, None]
        mixed = tf.clip_by_value(y + _rounded((x - y) * factor), 0.0, 255.0)
        return tf.cast(tf.round(mixed), tf.uint8)

    return operation


def _rounded(product):
    # Changes nothing: keeps XLA from making one instruction of a product and a
    # sum, which rounds once instead of twice.
    return tf.maximum(product, -1e6)


def _grey(images):
    # ITU-R 601, as Pillow and torchvision have it.
    red, green, blue = (
        _rounded(tf.cast(images[..., channel, None], tf.float32) * weight)
        for channel, weight in enumerate((0.299, 0.587, 0.114))
    )
    return red + green + blue


def _mean_grey(images):
    # Sums of whole numbers are exact, in whatever order.
    sums = tf.reduce_sum(tf.cast(images, tf.int32), axis=(1, 2))
    sums = tf.cast(sums, tf.float64) * [299.0, 587.0, 114.0]
    num_pixels = images.shape[1] * images.shape[2]
    mean = tf.reduce_sum(sums, axis=1) / (1000 * num_pixels)
    return tf.cast(mean, tf.float32)[:, None, None, None]


def _smooth(images):
    """Returns Pillow's smoothed image, its border as it is."""
    sums = tf.cast(images, tf.int32)
    sums = sums[:, :-2] + sums[:, 1:-1] + sums[:, 2:]
    sums = sums[:, :, :-2] + sums[:, :, 1:-1] + sums[:, :, 2:]
    # A mean of 3 x 3 in which the centre counts five times.
    x, mean = tf.cast(images, tf.float32), tf.cast(sums, tf.float32) / 9
    inner = (_rounded(9 * mean) + 4 * x[:, 1:-1, 1:-1]) / 13
    rows = tf.concat([x[:, :1, 1:-1], inner, x[:, -1:, 1:-1]], axis=1)
    return tf.concat([x[:, :, :1], rows, x[:, :, -1:]], axis=2)


def _posterize(images, level, sign):
    num_bits = 8 - round(4 * level)
    mask = tf.constant(256 - 2 ** (8 - num_bits), tf.uint8)
    return tf.bitwise.bitwise_and(images, mask)


def _solarize(images, level, sign):
    threshold = math.ceil(255 * (1 - level))
    return tf.where(
        tf.cast(images, tf.int32) >= threshold, 255 - images, images
    )


def _autocontrast(images, level, sign):
    _, height, width, channels = images.shape
    # By rows: loops over three channels are short, which takes twice the time.
    rows = tf.reshape(images, [-1, height, width * channels])
    x = tf.cast(rows, tf.float32)

    def of_channels(extreme):
        by_column = tf.reshape(extreme(x, axis=1), [-1, width, channels])
        of_channel = extreme(by_column, axis=1, keepdims=True)
        return tf.tile(of_channel, [1, 1, width])  # by rows, too

    low, high = of_channels(tf.reduce_min), of_channels(tf.reduce_max)
    stretched = tf.math.divide_no_nan((x - low) * 255.0, high - low)
    changed = tf.round(tf.where(high > low, stretched, x))
    return tf.reshape(tf.cast(changed, tf.uint8), tf.shape(images))


def _equalize(images, level, sign):
    """Maps values so that they are evenly frequent, in each channel."""
    batch_size, channels = tf.shape(images)[0], images.shape[-1]
    num_maps = batch_size * channels
    which_map = tf.reshape(tf.range(num_maps), [-1, 1, 1, channels])
    entries = which_map * 256 + tf.cast(images, tf.int32)
    # Floats, which are exact here, divide faster.
    counts = tf.tensor_scatter_nd_add(
        tf.zeros([num_maps * 256]),
        tf.reshape(entries, [-1, 1]),
        tf.ones([tf.size(entries)]),
    )
    counts = tf.reshape(counts, [-1, 256])
    below = tf.cumsum(counts, axis=1, exclusive=True)
    # The last value that occurs does not count: all others are below it.
    total = tf.reduce_max(below * tf.sign(counts), axis=1, keepdims=True)
    step = total // 255
    table = (below + step // 2) // tf.maximum(step, 1.0)
    table = tf.where(step > 0, tf.minimum(table, 255.0), tf.range(256.0))
    flat = tf.reshape(tf.cast(table, tf.uint8), [-1])
    return tf.gather(flat, entries)


_OPERATIONS = (
    _identity,
    _autocontrast,
    _equalize,
    _affine(_rotation),
    _solarize,
    _blending(_grey),  # colour
    _posterize,
    _blending(_mean_grey),  # contrast
    _blending(tf.zeros_like),  # brightness
    _blending(_smooth),  # sharpness
    _affine(_shear_x),
    _affine(_shear_y),
    _affine(_translation_x),
    _affine(_translation_y),
)

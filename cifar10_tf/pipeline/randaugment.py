"""RandAugment on batches: every image gets its own operations, vectorised."""

import math

import tensorflow as tf

from cifar10_tf.pipeline.draws import Draws

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
    batch_size = tf.shape(images)[0]
    level = magnitude / _HIGHEST_MAGNITUDE
    for layer_draws in draws.split(_NUM_LAYERS):
        which, negative = tf.unstack(
            layer_draws.uniform(
                before=[2], high=2 * len(_OPERATIONS), dtype=tf.int32
            )
        )
        which %= len(_OPERATIONS)
        sign = 1.0 - 2.0 * tf.cast(negative % 2, tf.float32)
        # Each operation on the images that drew it, and all put back in place.
        groups = tf.dynamic_partition(
            tf.range(batch_size), which, len(_OPERATIONS)
        )
        changed = [
            operation(tf.gather(images, group), level, tf.gather(sign, group))
            for operation, group in zip(_OPERATIONS, groups, strict=True)
        ]
        images = tf.dynamic_stitch(groups, changed)
    return images


def _identity(images, level, sign):
    return images


def _affine(matrix):
    """Makes an operation of what maps (level, sign, size) to a matrix.

    The matrix, [[a, b, c], [d, e, f]] of tensors like sign, takes coordinates
    relative to the centre of the result to those in the image.
    """

    def operation(images, level, sign):
        height, width = images.shape[1:3]
        cx, cy = (width - 1) / 2, (height - 1) / 2
        one, zero = tf.ones_like(sign), tf.zeros_like(sign)
        (a, b, c), (d, e, f) = matrix(level * sign, width, one, zero)
        transforms = [
            *(a, b, c + cx - a * cx - b * cy),
            *(d, e, f + cy - d * cx - e * cy),
            *(zero, zero),
        ]
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=tf.stack(transforms, axis=1),
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="NEAREST",
        )

    return operation


def _rotation(level, size, one, zero):
    angle = level * (30 * math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    return (cos, sin, zero), (-sin, cos, zero)


def _shear_x(level, size, one, zero):
    return (one, 0.3 * level, zero), (zero, one, zero)


def _shear_y(level, size, one, zero):
    return (one, zero, zero), (0.3 * level, one, zero)


def _translation(level, size):
    return tf.cast(tf.cast(level * (150 / 331 * size), tf.int32), tf.float32)


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
        factor = (1.0 + 0.9 * level * sign)[:, None, None, None]
        y = degenerate(x)
        mixed = tf.clip_by_value(y + (x - y) * factor, 0.0, 255.0)
        return tf.cast(tf.round(mixed), tf.uint8)

    return operation


def _grey(x):
    # ITU-R 601, as Pillow and torchvision have it.
    return tf.reduce_sum(x * [0.299, 0.587, 0.114], axis=-1, keepdims=True)


def _mean_grey(x):
    return tf.reduce_mean(_grey(x), axis=(1, 2), keepdims=True)


def _smooth(x):
    """Returns Pillow's smoothed image, its border as it is."""
    # A mean of 3 x 3 in which the centre counts five times.
    inner = 9 * tf.nn.avg_pool2d(x, 3, 1, "VALID") + 4 * x[:, 1:-1, 1:-1]
    inner /= 13
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
    x = tf.cast(images, tf.float32)
    low = tf.reduce_min(x, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(x, axis=(1, 2), keepdims=True)
    stretched = tf.math.divide_no_nan((x - low) * 255.0, high - low)
    return tf.where(high > low, tf.cast(tf.round(stretched), tf.uint8), images)


def _equalize(images, level, sign):
    """Maps values so that they are evenly frequent, in each channel."""
    batch_size, channels = tf.shape(images)[0], images.shape[-1]
    num_maps = batch_size * channels
    which_map = tf.reshape(tf.range(num_maps), [-1, 1, 1, channels])
    entries = which_map * 256 + tf.cast(images, tf.int32)
    counts = tf.math.bincount(
        tf.reshape(entries, [-1]), minlength=num_maps * 256
    )
    counts = tf.reshape(counts, [-1, 256])
    up_to = tf.cumsum(counts, axis=1)
    # The last value that occurs does not count.
    occurring = tf.where(counts > 0, tf.range(256), -1)
    last = tf.reduce_max(occurring, axis=1, keepdims=True)
    total = tf.gather(up_to, last[:, 0], axis=1, batch_dims=1)
    step = (total - tf.gather(counts, last[:, 0], axis=1, batch_dims=1)) // 255
    step = step[:, None]
    below = tf.pad(up_to, [[0, 0], [1, 0]])[:, :-1]
    table = tf.minimum((below + step // 2) // tf.maximum(step, 1), 255)
    table = tf.where(step > 0, table, tf.range(256))
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

"""Random changes to batches of images: pure functions of (images, draws).

Images are [batch, height, width, channels], uint8 or float32 in [0, 1] as each
function says. What mixes examples also takes and returns labels, float32
[batch, num_classes]; the partner of an example is the one before it in the
batch, whose order is random already.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from cifar10_tf.pipeline.draws import Draws
from cifar10_tf.pipeline.randaugment import randaugment


def cutout(images, draws: Draws, size: int):
    """Blanks a square of each uint8 image with mid-grey.

    Its centre is any pixel, equally likely; what is beyond the border is lost.
    DeVries and Taylor, "Improved regularization of convolutional neural
    networks with cutout", arXiv 1708.04552.
    """
    mask, _ = _box(
        images, draws.uniform(before=[2]), tf.constant([[size], [size]])
    )
    return _select(mask, tf.constant(128, tf.uint8), images)


def cutmix(images, labels, draws: Draws):
    """Puts a box of the partner's into each uint8 image.

    Before the border cuts it, its area is uniform in [0, 1] of the image's; its
    centre is any pixel. Labels are mixed by the area that is really covered.
    Yun et al., "CutMix", ICCV 2019, arXiv 1905.04899.
    """
    area, *centers = tf.unstack(draws.uniform(before=[3]))
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    sides = tf.cast(size[:, None] * tf.sqrt(area), tf.int32)
    mask, share = _box(images, tf.stack(centers), sides)
    images = _select(mask, tf.roll(images, 1, axis=0), images)
    return images, _mix(labels, share[:, None])


def brightness(images, draws: Draws, strength: float):
    """Adds up to `strength`, or takes it away, from each float32 image."""
    change = _symmetric(draws, strength)
    return tf.clip_by_value(images + change, 0.0, 1.0)


def contrast(images, draws: Draws, strength: float):
    """Scales each float32 image's distance from mid-grey.

    The factor is uniform in 1 - strength to 1 + strength.
    """
    factor = 1.0 + _symmetric(draws, strength)
    return tf.clip_by_value((images - 0.5) * factor + 0.5, 0.0, 1.0)


def mixup(images, labels, draws: Draws):
    """Mixes each float32 image with its partner, and so the labels.

    The partner's weight is uniform in [0, 1] for each example: the Beta(1, 1)
    of the CIFAR experiments in Zhang et al., "mixup: beyond empirical risk
    minimization", ICLR 2018, arXiv 1710.09412.
    """
    weight = draws.uniform(after=[1])
    # Flat, because broadcasting over four dimensions is slow.
    flat = tf.reshape(images, [_batch_size(images), -1])
    mixed = tf.reshape(_mix(flat, weight), tf.shape(images))
    return mixed, _mix(labels, weight)


def _batch_size(images):
    return tf.shape(images)[0]


def _symmetric(draws: Draws, strength: float):
    """Returns a number in -strength to strength for each image."""
    return draws.uniform(after=[1, 1, 1], low=-strength, high=strength)


def _mix(values, weight):
    """Returns the partner's values at `weight`, in 0 to 1, into each one's."""
    return values * (1 - weight) + tf.roll(values, 1, axis=0) * weight


def _box(images, centers, sides):
    """Returns a mask of a box in each image, and the share that it covers.

    Args:
        images: [batch, height, width, channels].
        centers: float32 [2, batch] in [0, 1), vertical and horizontal.
        sides: int32 [2, batch] or [2, 1], in pixels.

    Returns:
        A uint8 mask of the images' shape, 255 inside and 0 outside, and the
        share of the image, float32 [batch].
    """
    _, height, width, channels = images.shape
    inside = []
    for size, center, side in zip(
        (height, width), tf.unstack(centers), tf.unstack(sides), strict=True
    ):
        low = tf.cast(center * size, tf.int32) - side // 2
        low, high = low[:, None], (low + side)[:, None]
        inside.append((tf.range(size) >= low) & (tf.range(size) < high))
    counts = [tf.math.count_nonzero(i, 1, dtype=tf.float32) for i in inside]
    share = counts[0] * counts[1] / (height * width)
    # Each row of the mask is copied, from the box's columns or from no columns:
    # ten times as fast as a product of rows and columns.
    rows, columns = inside
    columns = tf.repeat(tf.cast(columns, tf.uint8) * 255, channels, axis=1)
    which = tf.where(rows, 1 + tf.range(tf.shape(rows)[0])[:, None], 0)
    mask = tf.gather(tf.pad(columns, [[1, 0], [0, 0]]), which)
    return tf.reshape(mask, tf.shape(images)), share


def _select(mask, inside, outside):
    """Returns `inside` where the mask is 255 and `outside` where it is 0.

    Args:
        mask, outside: uint8 [batch, height, width, channels].
        inside: the same, or one value for all.
    """
    # Bits of whole words: five times as fast as bytes, fifty as tf.where.
    word_size = math.gcd(math.prod(outside.shape[1:]), 8)
    word = {8: tf.int64, 4: tf.int32, 2: tf.int16, 1: tf.uint8}[word_size]

    def to_words(pixels):
        return tf.bitcast(tf.reshape(pixels, [-1, word_size]), word)

    if not inside.shape.rank:
        inside = tf.fill([word_size], inside)
    mask, inside, outside_words = map(to_words, (mask, inside, outside))
    xor = tf.bitwise.bitwise_xor
    different = tf.bitwise.bitwise_and(xor(outside_words, inside), mask)
    selected = tf.bitcast(xor(outside_words, different), tf.uint8)
    return tf.reshape(selected, tf.shape(outside))


def _of_images(change: Callable) -> Callable:
    """Gives what changes images alone the labels to pass on."""
    return lambda images, labels, draws, strength: (
        change(images, draws, strength),
        labels,
    )


def _mixing(change: Callable) -> Callable:
    """Gives what mixes examples a strength, of which it has no need."""
    return lambda images, labels, draws, strength: change(images, labels, draws)


# By the names and in the order of `settings.augmentations`; what flips or crops
# is in `crops_and_flips`. Each is a function of (images, labels, draws,
# strength), of images that are still bytes or already floats.
ON_BYTES = {
    "randaugment": _of_images(randaugment),
    "cutout": _of_images(cutout),
    "cutmix": _mixing(cutmix),
}
ON_FLOATS = {
    "brightness": _of_images(brightness),
    "contrast": _of_images(contrast),
    # Last, so that what is mixed has been through everything else.
    "mixup": _mixing(mixup),
}
# What an example takes from the one before it in the batch.
MIXING = ("cutmix", "mixup")

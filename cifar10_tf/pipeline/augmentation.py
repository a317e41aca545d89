"""Random changes to batches of images: pure functions of (images, draws).

Images are [batch, height, width, channels], uint8 or, once something has made
them so, float32 in [0, 1]. What mixes examples also takes and returns labels,
float32 [batch, num_classes]; the partner of an example is the one before it in
the batch, whose order is random already.
"""

from collections.abc import Callable

import tensorflow as tf

from cifar10_tf.pipeline import pixels
from cifar10_tf.pipeline.draws import Draws
from cifar10_tf.pipeline.pixels import to_float
from cifar10_tf.pipeline.randaugment import randaugment


def cutout(images, draws: Draws, size: int):
    """Blanks a square of each uint8 image with mid-grey.

    Its centre is any pixel, equally likely; what is beyond the border is lost.
    DeVries and Taylor, "Improved regularization of convolutional neural
    networks with cutout", arXiv 1708.04552.
    """
    box = _box(images, draws.uniform(before=[2]), tf.constant([[size], [size]]))
    return pixels.fill(images, *box, value=128)


def cutmix(images, labels, draws: Draws):
    """Puts a box of the partner's into each uint8 image.

    Before the border cuts it, its area is uniform in [0, 1] of the image's; its
    centre is any pixel. Labels are mixed by the area that is really covered.
    Yun et al., "CutMix", ICCV 2019, arXiv 1905.04899.
    """
    area, *centers = tf.unstack(draws.uniform(before=[3]))
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    sides = tf.cast(size[:, None] * tf.sqrt(area), tf.int32)
    low, high = _box(images, tf.stack(centers), sides)
    height, width = images.shape[1:3]
    inside = tf.clip_by_value(high, 0, [[height], [width]]) - tf.maximum(low, 0)
    share = tf.cast(inside[0] * inside[1], tf.float32) / (height * width)
    return pixels.paste(images, low, high), pixels.mix(labels, share[:, None])


def brightness(images, draws: Draws, strength: float):
    """Adds up to `strength`, or takes it away, from each image."""
    change = _symmetric(draws, strength)
    return tf.clip_by_value(to_float(images) + change, 0.0, 1.0)


def contrast(images, draws: Draws, strength: float):
    """Scales each image's distance from mid-grey.

    The factor is uniform in 1 - strength to 1 + strength.
    """
    factor = 1.0 + _symmetric(draws, strength)
    return tf.clip_by_value((to_float(images) - 0.5) * factor + 0.5, 0.0, 1.0)


def mixup(images, labels, draws: Draws):
    """Mixes each image with its partner, and so the labels.

    The partner's weight is uniform in [0, 1] for each example: the Beta(1, 1)
    of the CIFAR experiments in Zhang et al., "mixup: beyond empirical risk
    minimization", ICLR 2018, arXiv 1710.09412.
    """
    weight = draws.uniform(after=[1])
    return pixels.mix_images(images, weight), pixels.mix(labels, weight)


def _symmetric(draws: Draws, strength: float):
    """Returns a number in -strength to strength for each image."""
    return draws.uniform(after=[1, 1, 1], low=-strength, high=strength)


def _box(images, centers, sides):
    """Returns where a box begins and where it ends in each image.

    Args:
        images: [batch, height, width, channels].
        centers: float32 [2, batch] in [0, 1), vertical and horizontal.
        sides: int32 [2, batch] or [2, 1], in pixels.

    Returns:
        int32 [2, batch], the first row and column of the box, and the first
        ones after it, perhaps beyond the border.
    """
    height, width = images.shape[1:3]
    low = tf.cast(centers * [[height], [width]], tf.int32) - sides // 2
    return low, low + sides


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
# strength), of images that are still bytes or that become floats.
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

"""Small images in a training's first epochs: large shapes for less work."""

import keras
import tensorflow as tf

from cifar10_tf.pipeline.batches import Batches
from cifar10_tf.settings.config import Config
from cifar10_tf.system.errors import UserError

# Better than 20, then 28 (BUILD_NOTES.md, "Experiments").
_SIZE = 24


def image_sizes(share: float, epochs: int) -> dict[int, int | None]:
    """Returns the size of the images by the epoch from which on it holds.

    Epochs count from 0; None: images keep their size. Progressive resizing, as
    in the entry of fast.ai to DAWNBench, 2018.

    Args:
        share: of the epochs, in which images are small.
    """
    num_small = round(share * epochs)
    return {0: _SIZE, num_small: None} if num_small else {0: None}


def batches(
    config: Config,
    train: Batches,
    steps_per_epoch: int,
    *,
    first_step: int = 0,
    first_epoch: int = 0,
    **kwargs,
) -> dict[int, tf.data.Dataset]:
    """Returns what `loop.fit` trains on, from a step of an epoch on.

    Args:
        kwargs: of `Batches.shuffled`.
    """
    sizes = image_sizes(config.low_resolution, config.epochs)
    begun = max(epoch for epoch in sizes if epoch <= first_epoch)
    return {
        max(epoch, first_epoch): train.shuffled(
            config.batch_size,
            max(epoch * steps_per_epoch, first_step),
            image_size=size,
            **kwargs,
        )
        for epoch, size in sizes.items()
        if epoch >= begun
    }


def take_small_images(model: keras.Model) -> None:
    """Lets a model that was built for one size train on small images too.

    Raises:
        UserError: its layers depend on the size.
    """
    (images,) = model.inputs
    _, height, width, channels = images.shape
    model.input_spec = keras.layers.InputSpec(
        shape=(None, None, None, channels)
    )
    try:
        model(tf.zeros([1, _SIZE, _SIZE, channels]))
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"--low_resolution is not for {model.name}, whose layers are made "
            f"for images of {height} x {width} pixels."
        ) from error

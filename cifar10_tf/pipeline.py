"""Arrays -> batches: a training batch is a pure function of (seed, step)."""

import numpy as np
import tensorflow as tf


def make_train(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    num_classes: int,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    last_step: int | None = None,
) -> tf.data.Dataset:
    """Returns the training batches of steps first_step to last_step - 1.

    Each epoch is a new order of all examples, cut into `steps_per_epoch`
    batches, of which the last may be smaller; step s is the same batch whatever
    first_step is. Without last_step the dataset has no end.

    Args:
        images: uint8 [num_examples, height, width, channels].
        labels: integers [num_examples], below num_classes.

    Returns:
        Batches of (images, float32 in [0, 1]; labels, float32 one-hot).
    """
    num_examples = len(images)
    epoch_steps = steps_per_epoch(num_examples, batch_size)
    last_index = tf.constant(num_examples - 1, tf.int64)
    gather = _make_gather(images, labels, num_classes)

    def batch_at_step(step):
        epoch, position = step // epoch_steps, step % epoch_steps
        start = position * batch_size
        places = tf.range(start, tf.minimum(start + batch_size, num_examples))
        indices = tf.random.experimental.index_shuffle(
            places, seed=(seed, epoch), max_index=last_index
        )
        return gather(indices)

    if last_step is None:
        last_step = np.iinfo(np.int64).max
    # The step is all the state.
    ds = tf.data.Dataset.range(first_step, last_step)
    ds = ds.map(batch_at_step, num_parallel_calls=tf.data.AUTOTUNE)
    return ds.prefetch(tf.data.AUTOTUNE)  # the device never waits


def make_eval(
    images: np.ndarray, labels: np.ndarray, *, num_classes: int, batch_size: int
) -> tf.data.Dataset:
    """Returns every example once, in order, in batches as `make_train` has."""
    num_examples = len(images)
    gather = _make_gather(images, labels, num_classes)

    def batch_at_step(step):
        start = step * batch_size
        return gather(
            tf.range(start, tf.minimum(start + batch_size, num_examples))
        )

    ds = tf.data.Dataset.range(steps_per_epoch(num_examples, batch_size))
    ds = ds.map(batch_at_step, num_parallel_calls=tf.data.AUTOTUNE)
    return ds.prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(num_examples: int, batch_size: int) -> int:
    """Returns the number of batches that hold every example once."""
    return -(-num_examples // batch_size)


def _make_gather(images: np.ndarray, labels: np.ndarray, num_classes: int):
    # In host memory, uint8, once: a batch's rows are gathered and converted
    # together, one call a batch rather than one an image.
    with tf.device("CPU:0"):
        images, labels = tf.constant(images), tf.constant(labels)

    def gather(indices):
        pixels = tf.cast(tf.gather(images, indices), tf.float32) / 255.0
        return pixels, tf.one_hot(tf.gather(labels, indices), num_classes)

    return gather

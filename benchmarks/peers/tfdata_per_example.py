"""tf.data as TensorFlow's tutorials write it: a function of one image, mapped.

Images stay uint8 until they are augmented; `repeat` before `prefetch`, so that
the device does not wait between epochs.
"""

from cifar10_tf.system.tensorflow_startup import start_tensorflow

start_tensorflow()

import tensorflow as tf  # noqa: E402


def batches(
    images, labels, case, batch_size, num_parallel_calls=tf.data.AUTOTUNE
):
    """Returns a dataset of (images, one-hot labels)."""
    ds = tf.data.Dataset.from_tensor_slices((images, labels))
    ds = ds.cache().shuffle(len(images))

    def prepare(image, label):
        if case != "none":
            image = _flip_and_crop(image)
        image = tf.cast(image, tf.float32) / 255.0
        if case in ("flip+crop+cutout", "full"):
            image = _cutout(image)
        return image, tf.one_hot(label, 10)

    ds = ds.map(prepare, num_parallel_calls=num_parallel_calls).batch(
        batch_size
    )
    mixing = {"full": _mixup, "flip+crop+cutmix": _cutmix}.get(case)
    if mixing:
        ds = ds.map(mixing, num_parallel_calls=tf.data.AUTOTUNE)
    return ds.repeat().prefetch(tf.data.AUTOTUNE)


def _flip_and_crop(image):
    image = tf.image.random_flip_left_right(image)
    image = tf.pad(image, [[4, 4], [4, 4], [0, 0]], mode="REFLECT")
    return tf.image.random_crop(image, [32, 32, 3])


def _cutout(image, side=8):
    top, left = tf.unstack(tf.random.uniform([2], 0, 33 - side, tf.int32))
    hole = tf.pad(
        tf.zeros([side, side, 1]),
        [[top, 32 - side - top], [left, 32 - side - left], [0, 0]],
        constant_values=1.0,
    )
    return image * hole


def _cutmix(images, labels):
    # One box for the batch.
    area, *center = tf.unstack(tf.random.uniform([3]))
    places, half = tf.range(32.0) + 0.5, 16 * tf.sqrt(area)
    rows, columns = (tf.abs(places - 32 * c) < half for c in center)
    box = rows[:, None] & columns
    share = tf.reduce_mean(tf.cast(box, tf.float32))
    order = tf.random.shuffle(tf.range(tf.shape(images)[0]))
    mixed = tf.where(box[:, :, None], tf.gather(images, order), images)
    return mixed, labels + share * (tf.gather(labels, order) - labels)


def _mixup(images, labels):
    # Beta(1, 1) is uniform.
    weight = tf.random.uniform([tf.shape(images)[0]])
    order = tf.random.shuffle(tf.range(tf.shape(images)[0]))

    def mix(x, w):
        return w * x + (1.0 - w) * tf.gather(x, order)

    return (
        mix(images, weight[:, None, None, None]),
        mix(labels, weight[:, None]),
    )

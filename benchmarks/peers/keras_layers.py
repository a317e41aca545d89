"""Keras's preprocessing layers, mapped over batches of a tf.data pipeline.

RandomCrop would crop a whole batch at one place, so RandomTranslation it is:
by up to 4 whole pixels (interpolation "nearest"), with reflected edges.
"""

from cifar10_tf.system.tensorflow_startup import start_tensorflow

start_tensorflow()

import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402


def batches(images, labels, case, batch_size):
    """Returns a dataset of (images, one-hot labels)."""
    augment = [layers.Rescaling(1 / 255)]
    if case != "none":
        augment += [
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(
                4 / 32, 4 / 32, fill_mode="reflect", interpolation="nearest"
            ),
        ]
    if case in ("flip+crop+cutout", "full"):
        area = (8 / 32) ** 2
        augment.append(
            layers.RandomErasing(
                (1.0, 1.0), (area, area), fill_value=0.0, value_range=(0, 1)
            )
        )
    pipeline = layers.Pipeline(augment)
    mixing = {
        "full": layers.MixUp(alpha=1.0),
        "flip+crop+cutmix": layers.CutMix(),
    }.get(case)

    def prepare(images, labels):
        images = pipeline(images, training=True)
        labels = tf.one_hot(labels, 10)
        if mixing:
            mixed = mixing({"images": images, "labels": labels}, training=True)
            return mixed["images"], mixed["labels"]
        return images, labels

    ds = tf.data.Dataset.from_tensor_slices((images, labels))
    ds = ds.cache().shuffle(len(images)).batch(batch_size)
    ds = ds.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return ds.repeat().prefetch(tf.data.AUTOTUNE)

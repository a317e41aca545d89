"""The subject of the comparison: this project's own pipeline."""

from cifar10_tf.system.tensorflow_startup import start_tensorflow

start_tensorflow()

from cifar10_tf.pipeline.batches import make_train  # noqa: E402

_AUGMENT = {
    "none": "none",
    "flip+crop": "flip,crop=4",
    "flip+crop+cutout": "flip,crop=4,cutout=8",
    "flip+crop+cutmix": "flip,crop=4,cutmix",
    "full": "flip,crop=4,cutout=8,mixup",
}


def batches(images, labels, case, batch_size):
    """Returns the dataset that `cifar10-tf train` trains on."""
    return make_train(
        images,
        labels,
        num_classes=10,
        batch_size=batch_size,
        seed=1,
        augment=_AUGMENT[case],
    )

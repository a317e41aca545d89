"""CIFAR-10 as TFDS prepares it, from arrays instead of a download."""

import numpy as np
from tensorflow_datasets.image_classification import cifar

from cifar10_tf.datasets import official_archives


class Cifar10(cifar.Cifar10, skip_registration=True):
    """Prepares the examples that TFDS's own builder would, in its order."""

    name = "cifar10"

    def __init__(self, splits: dict[str, official_archives.Batch], **kwargs):
        """splits: images and labels, as `official_archives.read` has them."""
        self._splits = splits
        super().__init__(**kwargs)

    def _split_generators(self, dl_manager):
        self.info.features["label"].names = official_archives.CLASS_NAMES
        return {
            split: self._generate_examples(split, *arrays)
            for split, arrays in self._splits.items()
        }

    def _generate_examples(
        self, split: str, images: np.ndarray, labels: np.ndarray
    ):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            # Keys and ids as TFDS has them: they determine the order.
            example = {"id": f"{split}_{i:05d}", "image": image, "label": label}
            yield i, example

"""A runtime without a network, which tells dark images from bright ones."""

import numpy as np

from cifar10_tf.deployment.runtimes.runtime import Runtime


class Brightness(Runtime):
    """The brighter an image, the more probable is the last class."""

    name = "fake"

    def __init__(self, class_names=("dark", "<grey>", "bright")):
        self.class_names = class_names
        self.batch_sizes = []

    def _predict(self, images: np.ndarray) -> np.ndarray:
        self.batch_sizes.append(len(images))
        brightness = images.mean(axis=(1, 2, 3)) / 255
        places = np.linspace(0, 1, len(self.class_names))
        odds = np.exp(-20 * (brightness[:, None] - places) ** 2)
        odds /= odds.sum(axis=1, keepdims=True)
        return odds.astype(np.float32)

"""Dataset names -> arrays; importing it does not import TensorFlow."""

import dataclasses
import logging
from typing import NamedTuple

import numpy as np

from cifar10_tf.datasets import array_cache, prepared

_log = logging.getLogger(__name__)


class Examples(NamedTuple):
    """Images, uint8 [num_examples, 32, 32, 3], and labels, int64."""

    images: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class ImageDataset:
    """A whole dataset, in its files' order.

    The arrays are memory-mapped where the decoded images could be cached.
    """

    source: str  # the directory that it was decoded from
    class_names: tuple[str, ...]
    train: Examples
    test: Examples


def resolve(name: str, data_dir: str) -> str:
    """Returns the dataset that a name stands for on this machine, within 10 s.

    "auto" is CIFAR-10 where it is prepared or can be obtained, otherwise
    synthetic10, with a warning that says why.

    Raises:
        UserError: CIFAR-10 is asked for by name and can't be had, or its
            prepared files are damaged.
    """
    if name == "synthetic10":
        return name
    obstacle = prepared.obstacle_to_cifar10(data_dir)
    if obstacle is None:
        return "cifar10"
    if name == "cifar10":
        raise prepared.unobtainable(obstacle)
    _log.warning(
        "%s. Using the embedded synthetic10 instead: its results are NOT "
        "CIFAR-10 results.",
        obstacle,
    )
    return "synthetic10"


def load(name: str, data_dir: str) -> ImageDataset:
    """Returns a dataset's arrays, preparing and decoding it where needed.

    Args:
        name: a name that `resolve` returned.
        data_dir: where TFDS keeps its data; empty for TFDS's own default.

    Raises:
        UserError: the data can't be had, or are damaged.
    """
    directory = prepared.prepare(name, data_dir)
    arrays = array_cache.load(directory, prepared.decode)
    return ImageDataset(
        source=str(directory),
        class_names=tuple(map(str, arrays["class_names"])),
        train=Examples(arrays["train_images"], arrays["train_labels"]),
        test=Examples(arrays["test_images"], arrays["test_labels"]),
    )

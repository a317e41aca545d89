"""Dataset names -> arrays; importing it does not import TensorFlow."""

import dataclasses
import logging
import pathlib
from typing import NamedTuple

import numpy as np

from cifar10_tf.datasets import (
    array_cache,
    folder,
    names,
    obtaining,
    prepared,
)

_log = logging.getLogger(__name__)


class Examples(NamedTuple):
    """Images, uint8 [num_examples, 32, 32, 3], and labels, int64."""

    images: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class ImageDataset:
    """A whole dataset, in a fixed order.

    The arrays are memory-mapped where the decoded images could be cached.
    """

    source: str  # the directory that it was decoded from
    class_names: tuple[str, ...]
    train: Examples
    test: Examples


def resolve(name: str, data_dir: str) -> str:
    """Returns the dataset that a name stands for on this machine, within 10 s.

    "auto" is CIFAR-10 where it is prepared or can be obtained, otherwise
    synthetic10, with a warning that says why. The path of a folder becomes
    absolute, and a TFDS name that needs a config gets the default one.

    Raises:
        UserError: there is no such dataset, it can't be had, its prepared files
            are damaged, or the folder is not as `folder.find` wants it.
    """
    if name == "synthetic10":
        return name
    if root := names.folder(name):
        folder.find(root)
        return names.of_folder(root)
    wanted = "cifar10" if name == "auto" else name
    if prepared.find(wanted, data_dir):
        return wanted
    wanted = obtaining.full_name(wanted)
    obstacle = obtaining.obstacle(wanted, data_dir)
    if obstacle is None:
        return wanted
    if name != "auto":
        raise obtaining.unobtainable(wanted, obstacle)
    _log.warning(
        "%s. Using the embedded synthetic10 instead: its results are NOT "
        "CIFAR-10 results.",
        obstacle,
    )
    return "synthetic10"


def load(
    name: str, data_dir: str, source: pathlib.Path | None = None
) -> ImageDataset:
    """Returns a dataset's arrays, preparing and decoding it where needed.

    Args:
        name: a name that `resolve` returned.
        data_dir: where TFDS keeps its data; empty for TFDS's own default.
        source: CIFAR-10 in files that `published.find` returned, to be prepared
            from instead of a download.

    Raises:
        UserError: the data can't be had, or are damaged.
    """
    if root := names.folder(name):
        listing = folder.find(root)
        arrays = array_cache.load(
            names.slug(name),
            root,
            [path for path, _ in listing.train + listing.test],
            lambda: folder.decode(listing),
        )
    else:
        root = obtaining.prepare(name, data_dir, source)
        if (split := prepared.test_split(root)) != "test":
            _log.info("%s has no test split: testing on %s.", name, split)
        arrays = array_cache.load(
            f"{names.slug(name)}-{root.name}",
            root,
            [path for path in root.iterdir() if path.is_file()],
            lambda: prepared.decode(root),
        )
    return ImageDataset(
        source=str(root),
        class_names=tuple(map(str, arrays["class_names"])),
        train=Examples(arrays["train_images"], arrays["train_labels"]),
        test=Examples(arrays["test_images"], arrays["test_labels"]),
    )

"""Dataset names -> arrays; importing it does not import TensorFlow."""

import dataclasses
import logging
import pathlib
from typing import NamedTuple

import numpy as np

from cifar10_tf.datasets import array_cache, image_folder, names
from cifar10_tf.datasets.tfds import decoding, preparation, prepared_files
from cifar10_tf.system.errors import UserError

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
    folder_digest: str | None = None  # of the files of folder:PATH


def load_prepared(name: str, data_dir: str) -> ImageDataset:
    """Returns the dataset of a run; nothing is fetched for it.

    Args:
        name: as in the run's config.
        data_dir: where the run had it; else it is looked for in TFDS's own.

    Raises:
        UserError: it is not on this machine, or damaged.
    """
    if path := names.folder(name):
        if not path.is_dir():
            raise UserError(f"{path} is not there any more")
        return load_dataset(name, "")
    for place in data_dir, "":
        if prepared_files.find(name, place):
            return load_dataset(name, place)
    raise UserError(f"{name} is not prepared on this machine")


def load_dataset(
    name: str, data_dir: str, source: pathlib.Path | None = None
) -> ImageDataset:
    """Returns a dataset's arrays, preparing and decoding it where needed.

    Args:
        name: a name that `resolve_dataset` returned.
        data_dir: where TFDS keeps its data; empty for TFDS's own default.
        source: CIFAR-10 in files that `official_archives.find` returned, to be
            prepared from instead of a download.

    Raises:
        UserError: the data can't be had, or are damaged.
    """
    folder_digest = None
    if root := names.folder(name):
        listing = image_folder.find(root)
        image_folder.warn_of_strays(root)
        folder_digest = image_folder.digest(listing)
        arrays = array_cache.load(
            names.slug(name),
            root,
            folder_digest,
            lambda: image_folder.decode(listing),
        )
    else:
        root = preparation.prepare(name, data_dir, source)
        if (split := prepared_files.test_split(root)) != "test":
            _log.info("%s has no test split: testing on %s.", name, split)
        files = [path for path in root.iterdir() if path.is_file()]
        arrays = array_cache.load(
            f"{names.slug(name)}-{root.name}",
            root,
            array_cache.digest_of_files(root, files),
            lambda: decoding.decode(root),
        )
    return ImageDataset(
        source=str(root),
        class_names=tuple(map(str, arrays["class_names"])),
        train=Examples(arrays["train_images"], arrays["train_labels"]),
        test=Examples(arrays["test_images"], arrays["test_labels"]),
        folder_digest=folder_digest,
    )

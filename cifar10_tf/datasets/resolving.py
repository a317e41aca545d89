"""--dataset -> the dataset that it stands for on this machine."""

import logging

from cifar10_tf.datasets import image_folder, names
from cifar10_tf.datasets.tfds import preparation, prepared_files

_log = logging.getLogger(__name__)


def resolve_dataset(name: str, data_dir: str) -> str:
    """Returns the dataset that a name stands for on this machine, within 10 s.

    "auto" is CIFAR-10 where it is prepared or can be obtained, otherwise
    synthetic10, with a warning that says why. The path of a folder becomes
    absolute, and a TFDS name that needs a config gets the default one.

    Raises:
        UserError: there is no such dataset, it has no labelled images or can't
            be had, its prepared files are damaged, or the folder is not as
            `image_folder.find` wants it.
    """
    if name == "synthetic10":
        return name
    if root := names.folder(name):
        image_folder.find(root)
        return names.of_folder(root)
    wanted = "cifar10" if name == "auto" else name
    if prepared_files.find(wanted, data_dir):
        return wanted
    wanted = preparation.full_name(wanted)
    preparation.check_labelled(wanted)
    obstacle = preparation.obstacle(wanted, data_dir)
    if obstacle is None:
        return wanted
    if name != "auto":
        raise preparation.unobtainable(wanted, obstacle)
    _log.warning(
        "%s. Using the embedded synthetic10 instead: its results are NOT "
        "CIFAR-10 results.",
        obstacle,
    )
    return "synthetic10"


def folder_digest(name: str) -> str | None:
    """Returns what a folder's images are known by; None of another dataset.

    Reads the files, and decodes none.

    Raises:
        UserError: as of `image_folder.find`.
    """
    root = names.folder(name)
    return image_folder.digest(image_folder.find(root)) if root else None

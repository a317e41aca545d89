"""CIFAR-10-C as TFDS has it, `cifar10_corrupted`, where it is prepared."""

import logging
import pathlib

import numpy as np

from cifar10_tf.datasets.tfds import decoding, prepared_files
from cifar10_tf.system.errors import UserError

NAME = "cifar10_corrupted"

# Where TFDS calls a corruption otherwise than its authors' files.
_NAMES = {"elastic_transform": "elastic", "glass_blur": "frosted_glass_blur"}

_log = logging.getLogger(__name__)


def find(corruption: str, data_dir: str) -> list[pathlib.Path] | None:
    """Returns where severities 1 to 5 are prepared; None unless all are.

    Args:
        corruption: its name in CIFAR-10-C, as glass_blur.
        data_dir: where TFDS keeps its data; empty for TFDS's own default.
    """
    name = f"{NAME}/{_NAMES.get(corruption, corruption)}"
    found = [
        prepared_files.newest_version(f"{name}_{severity}", data_dir)
        for severity in range(1, 6)
    ]
    if all(found):
        return found
    if any(found):
        _log.warning(
            "%s is prepared at some severities only, and not used.", name
        )
    return None


def decode(directory: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images, uint8 [n, 32, 32, 3], and labels of a severity.

    Raises:
        UserError: the files are damaged or hold something else.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder_from_directory(directory)
        features = decoding.feature_names(builder.info)
        decoding.verify_records(builder, ["test"])
        images, labels = decoding.decode_split(builder, "test", *features)
        if not np.isin(labels, range(10)).all():
            raise ValueError("it has labels of other classes")
    except UserError:
        raise
    except Exception as error:  # TensorFlow's, protobuf's, whatever TFDS meets
        raise prepared_files.damaged(directory, error) from error
    return images, labels

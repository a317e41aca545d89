"""Get the data ready, no more; from PATH: files of CIFAR-10 you have."""

import pathlib
import sys

from cifar10_tf.cli import flags
from cifar10_tf.datasets import official_archives
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.system import tensorflow_startup
from cifar10_tf.system.errors import UserError

# As sysexits.h has it: not available. CIFAR-10 is not; its substitute is.
_SUBSTITUTED = 69

TAKES = ("dataset", "data_dir")

ARGUMENTS = "[PATH]"


def run(path: str = "") -> None:
    """Prepares and decodes the dataset of the flags, or CIFAR-10 from files."""
    config, _ = flags.config_and_options()
    if path:
        if config.dataset not in ("auto", "cifar10"):
            raise UserError(
                f"prepare takes a PATH of CIFAR-10, not of {config.dataset}: "
                "leave out one of them."
            )
        name, source = "cifar10", _find(path)
    else:
        name = resolve_dataset(config.dataset, config.data_dir)
        source = None
    tensorflow_startup.start_tensorflow()
    dataset = load_dataset(name, config.data_dir, source)
    print(
        f"{name} is ready: {len(dataset.train.labels)} training and "
        f"{len(dataset.test.labels)} test images in {dataset.source}"
    )
    if name == "synthetic10" != config.dataset:
        sys.exit(_SUBSTITUTED)


def _find(path: str) -> pathlib.Path:
    try:
        return official_archives.find(path)
    except UserError:
        root = prepared_files.data_root_at(pathlib.Path(path).absolute())
        if not root:
            raise
        raise UserError(
            f"TFDS has prepared CIFAR-10 in {root} already: use it by "
            f"--data_dir={root}, or for all commands by TFDS_DATA_DIR={root}."
        ) from None

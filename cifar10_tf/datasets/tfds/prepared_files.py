"""Data that TFDS has prepared: found, and seen to be whole."""

import json
import os
import pathlib
import re

import platformdirs

from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

# The framing of a TFRecord: length, its CRC, the data's CRC.
_TFRECORD_OVERHEAD_BYTES = 16


def data_root(name: str, data_dir: str) -> pathlib.Path:
    """Returns the TFDS data directory in which a dataset belongs.

    The embedded dataset lives in the user's cache: it can be drawn again at any
    time, and a data directory may be read-only.

    Raises:
        UserError: as `paths.absolute` does.
    """
    if name == "synthetic10":
        return (
            platformdirs.user_cache_path("cifar10_tf") / "tensorflow_datasets"
        )
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return paths.absolute(data_dir or default)


def find(name: str, data_dir: str) -> pathlib.Path | None:
    """Returns the directory of a dataset's newest prepared version, if any.

    Raises:
        UserError: files are missing from it or truncated.
    """
    newest = newest_version(name, data_dir)
    if newest:
        _check_files(newest)
    return newest


def newest_version(name: str, data_dir: str) -> pathlib.Path | None:
    """Returns the directory that `find` does, its files unseen."""
    versions = [
        path
        for path in (data_root(name, data_dir) / name).glob("*")
        if re.fullmatch(r"\d+\.\d+\.\d+", path.name)
    ]
    versions.sort(key=lambda path: [int(n) for n in path.name.split(".")])
    return versions[-1] if versions else None


def data_root_at(path: pathlib.Path) -> pathlib.Path | None:
    """Returns the data directory with CIFAR-10 that a path leads to, if any.

    Args:
        path: of the directory, of its cifar10, or of a version in that.

    Raises:
        UserError: as of `find`.
    """
    # Files of CIFAR-10 that lie beside the prepared ones are not meant.
    patterns = "*", "cifar10", "cifar10/[0-9]*.[0-9]*.[0-9]*"
    roots = path, *path.parents[:2]
    for root, pattern in zip(roots, patterns, strict=False):
        if path.match(pattern) and find("cifar10", str(root)):
            return root
    return None


def test_split(directory: pathlib.Path) -> str:
    """Returns the name of the split that a found dataset is tested on."""
    _, splits = _read_info(directory)
    return choose_splits(directory, splits)[1]


def _read_info(directory: pathlib.Path) -> tuple[dict, dict[str, dict]]:
    info = json.loads((directory / "dataset_info.json").read_text("utf-8"))
    return info, {split["name"]: split for split in info["splits"]}


def _check_files(directory: pathlib.Path) -> None:
    try:
        info, splits = _read_info(directory)
        if info.get("fileFormat", "tfrecord") == "tfrecord":
            for split in choose_splits(directory, splits):
                _check_size(directory, info["name"], splits[split])
    except UserError:
        raise
    except Exception as error:  # whatever is in it
        raise damaged(directory, error) from error


def _check_size(directory: pathlib.Path, name: str, split: dict) -> None:
    lengths = [int(n) for n in split["shardLengths"]]
    template = split.get(
        "filepathTemplate", "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    )
    files = [
        template.format(
            DATASET=name,
            SPLIT=split["name"],
            FILEFORMAT="tfrecord",
            SHARD_X_OF_Y=f"{i:05}-of-{len(lengths):05}",
            SHARD_INDEX=f"{i:05}",
            NUM_SHARDS=f"{len(lengths):05}",
        )
        for i in range(len(lengths))
    ]
    size = sum((directory / file).stat().st_size for file in files)
    expected = int(split["numBytes"])
    expected += _TFRECORD_OVERHEAD_BYTES * sum(lengths)
    if size < expected:
        raise ValueError(f"{files[0]} ... has {size} of {expected} bytes")


def choose_splits(directory: pathlib.Path, available) -> tuple[str, str]:
    """Returns the names of what to train and to test on.

    available: the names that there are.

    Raises:
        UserError: there are none.
    """
    for test in ("test", "validation"):
        if "train" in available and test in available:
            return "train", test
    raise UserError(
        f"{directory} lacks a train split, or a test or validation split to "
        f"test on: it has {', '.join(available) or 'none'}; choose another "
        "--dataset, or delete that directory if it should have them."
    )


def damaged(directory: pathlib.Path, error: object) -> UserError:
    """Returns the error for prepared data that can't be read."""
    # TensorFlow's messages name the operation before and after the reason.
    detail = re.sub(r"{{.*?}}|\[Op:.*", "", " ".join(str(error).split()))
    return UserError(
        f"the prepared data in {directory} are damaged ({detail.strip()}); "
        "delete that directory to have it prepared again, or choose other data "
        "with --data_dir."
    )

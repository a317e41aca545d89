"""Data that TFDS has prepared: found, obtained, verified and decoded."""

import json
import logging
import os
import pathlib
import re
import sys
import threading

import filelock
import numpy as np
import platformdirs

from cifar10_tf.errors import UserError
from cifar10_tf.files import check_writable

_log = logging.getLogger(__name__)

_CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_CIFAR10_ARCHIVE = "cifar-10-binary.tar.gz"

# The framing of a TFRecord: length, its CRC, the data's CRC.
_TFRECORD_OVERHEAD_BYTES = 16


def data_root(name: str, data_dir: str) -> pathlib.Path:
    """Returns the TFDS data directory in which a dataset belongs.

    The embedded dataset lives in the user's cache: it can be drawn again at any
    time, and a data directory may be read-only.
    """
    if name == "synthetic10":
        return (
            platformdirs.user_cache_path("cifar10_tf") / "tensorflow_datasets"
        )
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(data_dir or default).expanduser().absolute()


def find(name: str, data_dir: str) -> pathlib.Path | None:
    """Returns the directory of a dataset's newest prepared version, if any.

    Raises:
        UserError: files are missing from it or truncated.
    """
    versions = [
        path
        for path in (data_root(name, data_dir) / name).glob("*")
        if re.fullmatch(r"\d+\.\d+\.\d+", path.name)
    ]
    if not versions:
        return None
    newest = max(versions, key=lambda p: [int(n) for n in p.name.split(".")])
    _check_files(newest)
    return newest


def _check_files(directory: pathlib.Path) -> None:
    try:
        info = json.loads((directory / "dataset_info.json").read_text("utf-8"))
        splits = {split["name"]: split for split in info["splits"]}
        if info.get("fileFormat", "tfrecord") != "tfrecord":
            return
        for name in ("train", "test"):
            lengths = [int(n) for n in splits[name]["shardLengths"]]
            stem = f"{info['name']}-{name}.tfrecord"
            size = sum(
                (directory / f"{stem}-{i:05}-of-{len(lengths):05}")
                .stat()
                .st_size
                for i in range(len(lengths))
            )
            expected = int(splits[name]["numBytes"])
            expected += _TFRECORD_OVERHEAD_BYTES * sum(lengths)
            if size < expected:
                raise ValueError(f"{stem} has {size} of {expected} bytes")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(directory, error) from error


def damaged(directory: pathlib.Path, error: object) -> UserError:
    """Returns the error for prepared data that can't be read."""
    # TensorFlow's messages name the operation before and after the reason.
    detail = re.sub(r"{{.*?}}|\[Op:.*", "", " ".join(str(error).split()))
    return UserError(
        f"the prepared data in {directory} are damaged ({detail.strip()}); "
        "delete that directory to have it prepared again, or choose other data "
        "with --data_dir."
    )


def obstacle_to_cifar10(data_dir: str) -> str | None:
    """Says what keeps CIFAR-10 from being used here; None if nothing does.

    Raises:
        UserError: it is prepared, but damaged.
    """
    if find("cifar10", data_dir):
        return None
    root = data_root("cifar10", data_dir)
    try:
        check_writable(root)
    except OSError as error:
        return (
            f"CIFAR-10 is not prepared in {root}, which can't be written "
            f"({error.strerror})"
        )
    if (root / "downloads" / "manual" / _CIFAR10_ARCHIVE).is_file():
        return None
    failure = _download_failure(_CIFAR10_URL)
    if failure is None:
        return None
    return (
        f"CIFAR-10 is not prepared in {root} and can't be downloaded "
        f"({failure})"
    )


def unobtainable(obstacle: str) -> UserError:
    """Returns the error for CIFAR-10 asked for by name that can't be had."""
    return UserError(
        f"{obstacle}; point --data_dir or TFDS_DATA_DIR at a directory that "
        f"holds cifar10, put {_CIFAR10_ARCHIVE} into its downloads/manual, or "
        "use --dataset=synthetic10."
    )


def _download_failure(url: str, timeout_sec: float = 7.0) -> str | None:
    """Says why a URL does not answer in time; None if it does.

    The thread bounds what no socket timeout does: name look-up and a server
    that sends a byte now and then.
    """
    outcome = ["no answer in time"]

    def ask():
        import requests

        try:
            with requests.get(url, stream=True, timeout=5.0) as response:
                ok = response.status_code == requests.codes.ok
                outcome[0] = None if ok else f"HTTP {response.status_code}"
        except requests.RequestException as error:
            outcome[0] = type(error).__name__

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout_sec)
    return outcome[0]


def prepare(name: str, data_dir: str) -> pathlib.Path:
    """Gets a dataset ready and returns its directory; shows its progress.

    Several processes may do so at once: one works, the others wait.

    Raises:
        UserError: it can't be downloaded or written, or is damaged.
    """
    directory = find(name, data_dir)
    if directory is not None:
        return directory
    root = data_root(name, data_dir)
    try:
        root.mkdir(parents=True, exist_ok=True)
        # TFDS lets one of several concurrent preparations win and the others
        # die with FileExistsError.
        with filelock.FileLock(root / f".{name}.lock"):
            if find(name, data_dir) is None:
                _download_and_prepare(name, root)
    except OSError as error:
        raise _unprepared(name, root, error) from error
    return find(name, data_dir)


def _download_and_prepare(name: str, root: pathlib.Path) -> None:
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import download_manager

    from cifar10_tf.datasets import synthetic10  # noqa: F401, registers itself

    _log.info("Preparing %s in %s, once.", name, root)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        tfds.builder(name, data_dir=root).download_and_prepare()
    except download_manager.NonMatchingChecksumError as error:
        raise UserError(
            f"the archive of {name} under {root / 'downloads'} is not the "
            "published one (its checksum differs); delete it and try again."
        ) from error
    except Exception as error:  # of requests, TensorFlow, TFDS, the system
        raise _unprepared(name, root, error) from error


def _unprepared(name: str, root: pathlib.Path, error: Exception) -> UserError:
    detail = " ".join(str(error).split())
    return UserError(
        f"{name} can't be prepared in {root} ({type(error).__name__}: "
        f"{detail}); choose another directory with --data_dir (synthetic10: "
        "XDG_CACHE_HOME) or other data with --dataset."
    )


def decode(directory: pathlib.Path) -> dict[str, np.ndarray]:
    """Decodes a prepared directory, every record's checksum verified first.

    Returns:
        train_images, train_labels, test_images, test_labels and class_names by
        name, as ImageDataset describes them.

    Raises:
        UserError: the files are damaged or hold something else.
    """
    import tensorflow_datasets as tfds

    arrays = {}
    try:
        builder = tfds.builder_from_directory(directory)
        _verify_records(builder)
        for split in ("train", "test"):
            images, labels = _decode_split(builder, split)
            arrays[f"{split}_images"] = images
            arrays[f"{split}_labels"] = labels
        arrays["class_names"] = _class_names(directory, arrays)
    except Exception as error:  # TensorFlow's, protobuf's, whatever TFDS meets
        raise damaged(directory, error) from error
    return arrays


def _verify_records(builder) -> None:
    """Reads every record, and so has TensorFlow check their CRCs.

    It takes a twentieth of the time of decoding: a flipped bit in the last
    record is found at once.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    if builder.info.file_format is tfds.core.FileFormat.TFRECORD:
        for split in builder.info.splits.values():
            records = tf.data.TFRecordDataset(split.filepaths)
            records.reduce(np.int64(0), lambda count, _: count + 1)


def _decode_split(builder, split: str) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow_datasets as tfds

    # One shard, read in order: nothing to shuffle, nothing to prefetch.
    ds = builder.as_dataset(
        split=split,
        batch_size=1000,
        read_config=tfds.ReadConfig(skip_prefetch=True),
    )
    num_examples = builder.info.splits[split].num_examples
    images = np.empty((num_examples, 32, 32, 3), np.uint8)
    labels = np.empty(num_examples, np.int64)
    done = 0
    for batch in tfds.as_numpy(ds):
        size = len(batch["label"])
        if batch["image"].shape[1:] != images.shape[1:]:
            raise ValueError(f"an image is not {images.shape[1:]}")
        images[done : done + size] = batch["image"]
        labels[done : done + size] = batch["label"]
        done += size
    if done != num_examples:
        raise ValueError(f"{split} holds {done} of {num_examples} examples")
    return images, labels


def _class_names(directory: pathlib.Path, arrays) -> np.ndarray:
    # TFDS numbers the classes where it can't read this file.
    names = (directory / "label.labels.txt").read_text("utf-8").split()
    for split in ("train", "test"):
        labels = arrays[f"{split}_labels"]
        if labels.min() < 0 or labels.max() >= len(names):
            raise ValueError(f"there are labels without any of {names}")
    return np.array(names)

"""Prepared data -> arrays, once the checksum of every record is verified."""

import pathlib
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from cifar10_tf.datasets import image_files, official_archives
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.progress_lines import ProgressLines


def decode(directory: pathlib.Path) -> dict[str, np.ndarray]:
    """Decodes a prepared directory, every record's checksum verified first.

    Images of other sizes and kinds are made 32 x 32 RGB by `image_files.fit`.

    Returns:
        train_images, train_labels, test_images, test_labels and class_names by
        name, as ImageDataset describes them.

    Raises:
        UserError: the files are damaged or hold something else.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder_from_directory(directory)
        _check_features(builder.info)
        features = feature_names(builder.info)
        splits = prepared_files.choose_splits(directory, builder.info.splits)
        verify_records(builder, splits)
        arrays = {}
        total = sum(builder.info.splits[name].num_examples for name in splits)
        with ProgressLines("Images decoded", total) as progress:
            for name, split in zip(("train", "test"), splits, strict=True):
                pixels, labels = decode_split(
                    builder, split, *features, progress.advance
                )
                arrays[f"{name}_images"] = pixels
                arrays[f"{name}_labels"] = labels
        names = _class_names(directory, builder.info, features[1])
        for name in ("train", "test"):
            labels = arrays[f"{name}_labels"]
            if labels.max() >= len(names):
                raise ValueError(f"{name} has labels without any of {names}")
            if labels.min() < 0:
                raise UserError(
                    f"{directory} has images without a label in {name}; "
                    "choose another --dataset."
                )
        arrays["class_names"] = np.array(names)
    except UserError:
        raise
    except Exception as error:  # TensorFlow's, protobuf's, whatever TFDS meets
        raise prepared_files.damaged(directory, error) from error
    return arrays


def _check_features(info) -> None:
    """Checks the features of CIFAR-10 and synthetic10: no checksum does.

    One flipped bit can rename a class, or turn colours to grey.
    """
    from cifar10_tf.datasets.tfds import synthetic10

    class_names = {
        "cifar10": official_archives.CLASS_NAMES,
        "synthetic10": synthetic10.CLASS_NAMES,
    }.get(info.name)
    if class_names:
        image, label = info.features["image"], info.features["label"]
        if image.shape != (image_files.SIZE, image_files.SIZE, 3):
            raise ValueError(f"its images are {image.shape}")
        if tuple(label.names) != class_names:
            raise ValueError(f"its classes are {', '.join(label.names)}")


def feature_names(info) -> tuple[str, str]:
    """Returns the names of a TFDS dataset's image and label.

    Raises:
        UserError: it has none, as 8 bits a channel and one class.
    """
    import tensorflow_datasets as tfds

    for keys in (info.supervised_keys, ("image", "label")):
        try:
            image, label = (info.features[key] for key in keys)
        except (KeyError, TypeError, ValueError):  # none, nested, or three
            continue
        if (
            isinstance(image, tfds.features.Image)
            and image.np_dtype == np.uint8
            and isinstance(label, tfds.features.ClassLabel)
        ):
            return tuple(keys)
    raise UserError(
        f"{info.full_name} is no dataset of labelled images (8 bits a channel, "
        "one class each); choose another --dataset."
    )


def verify_records(builder, splits: Iterable[str]) -> None:
    """Counts the records, and so has TensorFlow check their CRCs.

    It takes a twentieth of the time of decoding: a flipped bit in the last
    record is found at once.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    if builder.info.file_format is tfds.core.FileFormat.TFRECORD:
        for split in (builder.info.splits[name] for name in splits):
            records = tf.data.TFRecordDataset(split.filepaths)
            count = records.reduce(np.int64(0), lambda count, _: count + 1)
            if count != split.num_examples:
                raise ValueError(
                    f"{split.name} holds {count} of {split.num_examples} "
                    "examples"
                )


def decode_split(
    builder,
    split: str,
    image_key: str,
    label_key: str,
    advance: Callable[[int], object] = lambda _: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns images, made 32 x 32 RGB, and labels of one split.

    advance: is told how many more images are decoded.
    """
    import tensorflow_datasets as tfds

    size = (image_files.SIZE, image_files.SIZE, 3)
    as_it_is = builder.info.features[image_key].shape == size
    # Read in order: nothing to shuffle, nothing to prefetch.
    ds = builder.as_dataset(
        split=split, read_config=tfds.ReadConfig(skip_prefetch=True)
    )
    # Other features may not fit into batches.
    ds = ds.map(lambda row: (row[image_key], row[label_key]))
    ds = ds.batch(1000 if as_it_is else 1)
    num_examples = builder.info.splits[split].num_examples
    pixels = np.empty((num_examples, *size), np.uint8)
    labels = np.empty(num_examples, np.int64)
    done = 0
    for batch, batch_labels in tfds.as_numpy(ds):
        rows = slice(done, done + len(batch_labels))
        pixels[rows] = batch if as_it_is else _fit(batch)
        labels[rows] = batch_labels
        done = rows.stop
        advance(len(batch_labels))
    if done != num_examples:
        raise ValueError(f"{split} holds {done} of {num_examples} examples")
    return pixels, labels


def _fit(batch: np.ndarray) -> np.ndarray:
    """Fits a batch of one image, uint8 [1, height, width, channels]."""
    image = batch[0, ..., 0] if batch.shape[-1] == 1 else batch[0]
    return image_files.fit(Image.fromarray(image))


def _class_names(directory: pathlib.Path, info, label_key: str) -> list[str]:
    path = directory / f"{label_key}.labels.txt"
    # TFDS writes names that it knows when it prepares the data.
    if path.exists() or info.name == "cifar100":
        lines = path.read_text("utf-8").splitlines()
        return [line.strip() for line in lines if line.strip()]
    return [str(i) for i in range(info.features[label_key].num_classes)]

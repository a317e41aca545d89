"""What a run trains, validates and is tested on: its share of a dataset."""

import hashlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cifar10_tf.datasets.loading import Examples, load_dataset
from cifar10_tf.datasets.validation_split import split_train
from cifar10_tf.pipeline.batches import Batches
from cifar10_tf.pipeline.parts import Parts
from cifar10_tf.settings.config import Config

_SAMPLE_SIZE = 5000


class TrainingData(NamedTuple):
    """What a run works with."""

    train: Batches
    validation: tf.data.Dataset | None
    test: Examples
    class_names: tuple[str, ...]
    num_train: int
    num_validation: int
    sample: np.ndarray  # at most 5,000 of the training images, uint8
    digest: str  # of all that is trained, validated and tested on
    folder_digest: str | None  # of the files of folder:PATH


def load(config: Config, parts: Parts | None = None) -> TrainingData:
    """Returns what to train on, what is held out, and the test split.

    Of the training split only the pipelines' copies stay in memory.

    Args:
        parts: of each batch to validate on, as of `Batches.in_order`.
    """
    dataset = load_dataset(config.dataset, config.data_dir)
    images, labels = dataset.train
    train, validation = split_train(
        labels, config.validation_fraction, config.max_train_examples
    )
    num_classes = len(dataset.class_names)
    return TrainingData(
        train=Batches(
            images[train],
            labels[train],
            num_classes=num_classes,
            seed=config.seed,
            augment=config.augment,
        ),
        validation=Batches(
            images[validation], labels[validation], num_classes=num_classes
        ).in_order(config.batch_size, parts)
        if len(validation)
        else None,
        test=dataset.test,
        class_names=dataset.class_names,
        num_train=len(train),
        num_validation=len(validation),
        sample=images[train[:_SAMPLE_SIZE]],
        digest=_digest(*dataset.train, *dataset.test),
        folder_digest=dataset.folder_digest,
    )


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:  # 0.2 s for CIFAR-10
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()

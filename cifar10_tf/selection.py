"""Which training images are easy, and need not be seen so often."""

import logging

import numpy as np

from cifar10_tf import config as config_lib
from cifar10_tf import pipeline, setting_up, training_loop
from cifar10_tf.checkpoint import Checkpoint
from cifar10_tf.config import Config
from cifar10_tf.models import whitening
from cifar10_tf.run_data import RunData

_log = logging.getLogger(__name__)

_PROXY = "speedrun_s"
_BATCH_SIZE = 1000  # of what the proxy is asked about


def num_an_epoch(num_train: int, easy_every: int) -> int:
    """Returns how many training images an epoch has."""
    num_easy = _num_easy(num_train, easy_every)
    return num_train - num_easy + num_easy // easy_every


def easy_images(
    config: Config, data: RunData, found: Checkpoint | None = None
) -> np.ndarray:
    """Returns which images are easy, bool [num_train]; with easy_every 1 none.

    Easy is the half to whose right class a small network, trained on all of
    them for it, gives the highest probabilities. That a small network decides
    is from Jordan's record for 96 %, github.com/KellerJordan/cifar10-airbench,
    where it does so for each batch anew.

    Args:
        found: what the run goes on from; it has the answer.
    """
    num_easy = _num_easy(data.num_train, config.easy_every)
    if not num_easy:
        return np.zeros(data.num_train, bool)
    if found:
        is_easy = _from_text(found.record.get("easy_images"), data.num_train)
        if np.count_nonzero(is_easy) == num_easy:
            return is_easy
    _log.info("Training %s to find the easier half of the images.", _PROXY)
    is_easy = np.zeros(data.num_train, bool)
    is_easy[np.argsort(_probabilities(config, data))[-num_easy:]] = True
    return is_easy


def rounds(is_easy: np.ndarray, easy_every: int) -> np.ndarray:
    """Returns the images of an epoch, those of the next one, and so on.

    Each has all that are not easy, and its share of the easy ones, so that each
    of these comes up once in easy_every epochs.

    Returns: int64 [easy_every, num_an_epoch].
    """
    hard, easy = np.flatnonzero(~is_easy), np.flatnonzero(is_easy)
    shares = easy.reshape(-1, easy_every).T
    return np.hstack([np.tile(hard, (easy_every, 1)), shares])


def to_text(is_easy: np.ndarray) -> str:
    """Returns which images are easy as a checkpoint's record has it."""
    return np.packbits(is_easy).tobytes().hex()


def _from_text(text: str | None, num_train: int) -> np.ndarray | None:
    try:
        packed = np.frombuffer(bytes.fromhex(text), np.uint8)
    except (TypeError, ValueError):
        return None
    return np.unpackbits(packed, count=num_train).astype(bool)


def _num_easy(num_train: int, easy_every: int) -> int:
    if easy_every == 1:
        return 0
    return num_train // 2 // easy_every * easy_every  # in equal shares


def _probabilities(config: Config, data: RunData) -> np.ndarray:
    """Returns what a small network gives the right classes, [num_train]."""
    config = config_lib.make_config(model=_PROXY, seed=config.seed)
    steps_per_epoch = pipeline.steps_per_epoch(
        data.num_train, config.batch_size
    )
    model = setting_up.compiled_model(
        config,
        num_classes=len(data.class_names),
        num_steps=config.epochs * steps_per_epoch,
    )
    whitening.adapt(model, data.sample)
    training_loop.fit(
        model,
        data.train.of_steps(config.batch_size),
        epochs=config.epochs,
        steps_per_epoch=steps_per_epoch,
        verbose=training_loop.verbosity(),
    )
    return np.concatenate(
        [
            model.predict_on_batch(images)[labels.numpy() > 0]
            for images, labels in data.train.in_order(_BATCH_SIZE)
        ]
    )

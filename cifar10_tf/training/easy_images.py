"""Which training images are easy, and need not be seen so often."""

import logging

import numpy as np

from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.settings.config import Config
from cifar10_tf.training import proxy_model
from cifar10_tf.training.training_data import TrainingData

_log = logging.getLogger(__name__)

_PROXY = "speedrun_s"


def examples_per_epoch(num_train: int, easy_every: int) -> int:
    """Returns how many training images an epoch has."""
    num_easy = _num_easy(num_train, easy_every)
    return num_train - num_easy + num_easy // easy_every


def find_easy_images(
    config: Config, data: TrainingData, resume_from: Checkpoint | None = None
) -> np.ndarray:
    """Returns which images are easy, bool [num_train]; with easy_every 1 none.

    Easy is the half to whose right class a small network, trained on all of
    them for it, gives the highest probabilities. That a small network decides
    is from Jordan's record for 96 %, github.com/KellerJordan/cifar10-airbench,
    where it does so for each batch anew.

    Args:
        resume_from: what the run goes on from; it has the answer.
    """
    num_easy = _num_easy(data.num_train, config.easy_every)
    is_easy = np.zeros(data.num_train, bool)
    if not num_easy:
        return is_easy
    if resume_from:
        text = resume_from.record.get("easy_images")
        known = _from_text(text, data.num_train)
        if np.count_nonzero(known) == num_easy:
            return known
    _log.info("Training %s to find the easier half of the images.", _PROXY)
    probabilities = proxy_model.label_probabilities(_PROXY, config.seed, data)
    is_easy[np.argsort(probabilities)[-num_easy:]] = True
    return is_easy


def epoch_subsets(is_easy: np.ndarray, easy_every: int) -> np.ndarray:
    """Returns the images of an epoch, those of the next one, and so on.

    Each has all that are not easy, and its share of the easy ones, so that each
    of these comes up once in easy_every epochs.

    Returns: int64 [easy_every, examples_per_epoch].
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

"""Which training examples are held out for validation."""

import math

import numpy as np

from cifar10_tf.system.errors import UserError


def split_train(
    labels: np.ndarray, validation_fraction: float, max_train_examples: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Divides the training split into examples to train on and to validate on.

    Every class is divided in the same proportion, to within one example: equal
    classes stay equal, and a rare one is not held out as a whole while there is
    room in training. The parts depend on nothing but the arguments, so that
    runs of different seeds can be compared.

    Args:
        labels: integers [num_examples].
        validation_fraction: share of the examples that is held out.
        max_train_examples: if not 0, at most so many to train on, and as many
            fewer to validate on.

    Returns:
        Indices of the two parts, each ascending.

    Raises:
        UserError: nothing would be left to train on.
    """
    order = _balanced_order(labels)
    num_validation = round(len(order) * validation_fraction)
    validation, train = order[:num_validation], order[num_validation:]
    if max_train_examples and max_train_examples < len(train):
        share = max_train_examples / len(train)
        validation = validation[: math.ceil(num_validation * share)]
        train = train[:max_train_examples]
    if not len(train):
        raise UserError(
            f"validation_fraction {validation_fraction} leaves none of "
            f"{len(labels)} examples to train on."
        )
    return np.sort(train), np.sort(validation)


def _balanced_order(labels: np.ndarray) -> np.ndarray:
    """Returns an order in which the classes take turns, by their sizes.

    Every contiguous piece of it has them in about the same proportions.
    """
    # RandomState's stream is frozen by NumPy's policy; a Generator's is not.
    shuffled = np.random.RandomState(0).permutation(len(labels))
    place_in_class = np.empty(len(labels))  # in (0, 1]
    for label in np.unique(labels):
        members = labels[shuffled] == label
        size = members.sum()
        place_in_class[members] = np.arange(1, size + 1) / size
    return shuffled[np.lexsort((labels[shuffled], place_in_class))]

"""NumPy's work within a pipeline."""

import atexit
import functools
import gc
from collections.abc import Callable, Sequence

import tensorflow as tf


def call_numpy(function: Callable, arguments: Sequence):
    """Returns what a pure function of arrays does, a tensor of uint8.

    Its shape is not known.
    """
    _close_iterators_at_exit()
    return tf.numpy_function(function, arguments, tf.uint8, stateful=False)


@functools.cache  # once
def _close_iterators_at_exit() -> None:
    atexit.register(_close_iterators)


def _close_iterators() -> None:
    """Ends the prefetching of all iterators that are still open.

    A thread of TensorFlow's that calls NumPy while Python is shutting down
    never comes back, and the process would wait for it for ever.
    """
    for thing in gc.get_objects():
        # isinstance would ask the thing itself, and some of TFDS's log that.
        if issubclass(type(thing), tf.data.Iterator):
            vars(thing).clear()  # TensorFlow deletes what nobody refers to

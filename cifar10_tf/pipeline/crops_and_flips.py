"""Mirrored and shifted views of images, gathered in batches."""

import atexit
import functools
import gc

import numpy as np
import tensorflow as tf


class Views:
    """Mirrored and shifted views of images, as memory that is there already.

    The images are kept with a border around each, followed by the same
    mirrored: any crop of any image, mirrored or not, is a window of that array,
    and a batch of them a copy of its rows.

    Args:
        images: uint8 [num_examples, height, width, channels].
        mirrored: whether there are to be mirrored views.
        padding: pixels of border on each side.
        mode: of the border, as `np.pad` has it.

    Attributes:
        num_shifts: how many crops there are of each image.
    """

    def __init__(
        self,
        images: np.ndarray,
        *,
        mirrored: bool = False,
        padding: int = 0,
        mode: str = "reflect",
    ):
        self._num_examples, height, width, channels = images.shape
        self._shape = height, width, channels
        self._num_shifts_across = 2 * padding + 1
        self.num_shifts = self._num_shifts_across**2
        if padding or mirrored:
            images = _with_borders_and_mirrored(images, padding, mode, mirrored)
        if padding:
            rows = images.reshape(*images.shape[:2], -1)
            # [example, shift down, shift right, height, width * channels]
            self._windows = np.lib.stride_tricks.sliding_window_view(
                rows, (height, width * channels), axis=(1, 2)
            )[:, :, ::channels]
            _close_iterators_at_exit()
        else:
            with tf.device("CPU:0"):  # in host memory, once
                self._images = tf.constant(images)

    def gather(self, indices, mirror=None, shift=None):
        """Returns views of examples, uint8 [batch, height, width, channels].

        Args:
            indices: int64 [batch], below num_examples.
            mirror: int64 [batch], 1 where an image is to be mirrored and 0
                elsewhere, if there are mirrored views.
            shift: int64 [batch], below num_shifts, which crop of the padded
                image, row by row; None: the image itself.
        """
        if mirror is not None:
            indices += mirror * self._num_examples
        if self.num_shifts == 1:
            return tf.gather(self._images, indices)
        if shift is None:
            shift = tf.zeros_like(indices) + self.num_shifts // 2  # the middle
        across = self._num_shifts_across
        # NumPy copies a window row by row; TensorFlow can only gather windows
        # pixel by pixel, which takes three times as long.
        windows = tf.numpy_function(
            lambda *where: self._windows[where],
            [indices, shift // across, shift % across],
            tf.uint8,
            stateful=False,
        )
        return tf.reshape(windows, [-1, *self._shape])


def _with_borders_and_mirrored(
    images: np.ndarray, padding: int, mode: str, mirrored: bool
) -> np.ndarray:
    num_examples, height, width, channels = images.shape
    padded = height + 2 * padding, width + 2 * padding, channels
    result = np.empty((1 + mirrored, num_examples, *padded), np.uint8)
    border = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    # Pieces that stay in the processor's cache, without a second whole copy.
    for start in range(0, num_examples, 1000):
        piece = slice(start, start + 1000)
        result[0, piece] = np.pad(images[piece], border, mode)
        # A channel at a time: three times as fast as all at once.
        for channel in range(channels if mirrored else 0):
            plain = result[0, piece, ..., channel]
            result[1, piece, ..., channel] = plain[:, :, ::-1]
    return result.reshape(-1, *padded)


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

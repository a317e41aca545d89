"""Parts of batches, for devices that work on a batch together."""

from typing import NamedTuple

import tensorflow as tf


class Parts(NamedTuple):
    """Which parts of each batch are asked for, one after the other.

    Parts are as equal in size as can be. Where there are more parts than
    examples, some hold an example of another's, with the weight 0.

    Attributes:
        first: the first part that is asked for, counted from 0.
        num: how many parts are asked for.
        of: how many parts make a batch.
    """

    first: int
    num: int
    of: int

    def split(self, element):
        """Returns step and part of an element, all of them int64."""
        return element // self.num, self.first + element % self.num

    def rows(self, part, batch_size, num_before: int = 0):
        """Returns which of a batch's examples a part holds, int64 [num_rows].

        Args:
            num_before: how many examples come in front of the part's own, those
                before it in the batch; before its first is its last.
        """
        start, stop = self._bounds(part, batch_size)
        stop = tf.maximum(stop, start + 1)
        return tf.range(start - num_before, stop) % batch_size

    def weights(self, part, batch_size):
        """Returns the share of each example in the batch's mean, float32."""
        start, stop = self._bounds(part, batch_size)
        num_rows = tf.maximum(stop, start + 1) - start
        weight = tf.minimum(stop - start, 1) / batch_size
        return tf.fill([num_rows], tf.cast(weight, tf.float32))

    def _bounds(self, part, batch_size):
        return part * batch_size // self.of, (part + 1) * batch_size // self.of

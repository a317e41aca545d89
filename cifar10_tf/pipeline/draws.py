"""The random numbers of a step, for a batch or for some of its examples."""

import zlib
from collections.abc import Sequence

import tensorflow as tf


class Draws:
    """Random numbers for each example of a batch: a pure function of the seed.

    Args:
        seed: two integers.
        batch_size: of the whole batch.
        rows: integers [num_rows], the examples that are asked for, which get
            what they have in the whole batch; None: all.
    """

    def __init__(self, seed, batch_size, rows=None):
        self._seed, self._batch_size, self._rows = seed, batch_size, rows

    def uniform(self, *, before=(), after=(), low=0, high=None, dtype=None):
        """Returns numbers of the shape [*before, num_rows, *after].

        float32 in [0, 1) or in [low, high), or integers if dtype is of them.
        """
        shape = [*before, self._batch_size, *after]
        drawn = tf.random.stateless_uniform(
            shape, self._seed, low, high, dtype or tf.float32
        )
        if self._rows is None:
            return drawn
        return tf.gather(drawn, self._rows, axis=len(before))

    def integers(self, below: int):
        """Returns [num_rows], 0 to below - 1, equally likely, int64."""
        return self.uniform(high=below, dtype=tf.int64)

    def split(self, num: int) -> Sequence["Draws"]:
        """Returns draws that don't depend on each other."""
        return [
            Draws(seed, self._batch_size, self._rows)
            for seed in tf.unstack(tf.random.split(self._seed, num))
        ]


class StepDraws:
    """The draws of each augmentation in a step, by name.

    None depends on which others are asked for, or exist.

    Args:
        seed: of the run.
        step: int64, counted from 0.
        batch_size, rows: as of `Draws`.
    """

    def __init__(self, seed: int, step, batch_size, rows=None):
        self._key = seed, step
        self._size = batch_size, rows

    def __getitem__(self, name: str) -> Draws:
        seed = tf.random.fold_in(self._key, zlib.crc32(name.encode()))
        return Draws(seed, *self._size)

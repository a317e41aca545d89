"""The seeds of a step's random numbers."""

import zlib

import tensorflow as tf


class StepSeeds:
    """A seed for each augmentation in a step, by name.

    None depends on which others are asked for, or exist.

    Args:
        seed: of the run.
        step: int64, counted from 0.
    """

    def __init__(self, seed: int, step):
        self._key = seed, step

    def __getitem__(self, name: str):
        return tf.random.fold_in(self._key, zlib.crc32(name.encode()))

"""A trace of some training steps, by TensorFlow's own profiler."""

import contextlib
import pathlib

import keras
import tensorflow as tf


class Profiler:
    """Traces training steps, for TensorBoard's plugin to show.

    Args:
        directory: in which the trace is, under plugins/profile.
        first, last: steps, counted from 1.
    """

    def __init__(self, directory: pathlib.Path, first: int, last: int):
        self._directory = directory
        self._first, self._last = first, last
        self._is_on = False

    def before(self, step: int) -> None:
        """Begins the trace before its first step.

        In a process that goes on from within the steps, before the next.
        """
        if self._first <= step <= self._last and not self._is_on:
            tf.profiler.experimental.start(str(self._directory))
            self._is_on = True

    def after(self, step: int, model: keras.Model) -> None:
        """Writes the trace after its last step."""
        if self._is_on and step == self._last:
            # Reading a value back is what waits for the device.
            int(model.optimizer.iterations)
            self._is_on = False
            tf.profiler.experimental.stop()

    def close(self) -> None:
        """Ends a trace that an interruption has cut short, unwritten."""
        if self._is_on:
            self._is_on = False
            with contextlib.suppress(tf.errors.UnavailableError):
                tf.profiler.experimental.stop(save=False)

"""When a training is saved, and where it stops."""

import math
import time

import keras
import numpy as np

from cifar10_tf.runs import checkpoint
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.system import interruption
from cifar10_tf.training.callbacks.divergence import diverged
from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.checkpointing.background_writer import CheckpointWriter
from cifar10_tf.training.checkpointing.provenance import Provenance
from cifar10_tf.training.distribution.workers import Workers

# Of the time, what the checkpoints of short epochs may take.
_MAX_OVERHEAD = 0.01


class Stop(keras.callbacks.Callback):
    """Stops the training of all workers after the same step.

    Raises:
        Interrupted: a signal or the time ends the training.
    """

    def __init__(self, workers: Workers):
        super().__init__()
        self._workers = workers

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # From the first step's end on, signals wait for a step's; before, while
        # it was traced, there was nothing to be saved.
        interruption.hold()
        step = self._epoch * self.params["steps"] + batch + 1
        stop = self._workers.due()
        self._before_stop(step, batch + 1 == self.params["steps"], bool(stop))
        if stop:
            self._workers.wait()
            num_steps = self.params["epochs"] * self.params["steps"]
            raise interruption.Interrupted(
                f"{stop} after step {step:,} of {num_steps:,}", stop.status
            )

    def _before_stop(self, step: int, is_last: bool, stops: bool) -> None:
        """Does what is to be done after a step, perhaps its epoch's last."""


class Checkpoints(Stop):
    """Saves the training from time to time, at ends of epochs, and to stop it.

    Comes after Throughput and Divergence, before all others. Where a file can't
    be written, the training ends with the next step.

    Args:
        workers: of which this is the first.
        writer: of the files.
        provenance: what they say of their origin.
        every_sec: how often at least; 0 is after each step.

    Raises:
        UserError: a checkpoint can't be written, or the loss or weights are not
            finite.
        Interrupted: a signal or the time ends the training, which is saved.
    """

    def __init__(
        self,
        workers: Workers,
        writer: CheckpointWriter,
        provenance: Provenance,
        *,
        throughput: Throughput,
        log: MetricsLog,
        every_sec: float,
    ):
        super().__init__(workers)
        self._writer = writer
        self._provenance = provenance
        self._throughput, self._log = throughput, log
        self._every_sec = every_sec
        self._saved_step = None  # of the newest that is there or on its way
        self._saved_at = time.monotonic()

    def _before_stop(self, step: int, is_last: bool, stops: bool) -> None:
        self._writer.check()
        if stops or self._is_time(is_last):
            self._save(step)
        if stops:
            self._writer.wait()
        # What is not saved waits for the next step.
        elif self._saved_step == step:
            self._workers.release()

    def on_train_end(self, logs=None):
        self._writer.close()

    def _is_time(self, is_last_of_epoch: bool) -> bool:
        if is_last_of_epoch and self._epoch + 1 == self.params["epochs"]:
            return True  # evaluation and drawing are still to come
        if self._writer.is_busy and self._every_sec:
            return False  # a slow disk must not stop the training
        sec = time.monotonic() - self._saved_at
        return sec >= self._every_sec or (
            is_last_of_epoch and sec >= self._writer.cost_sec / _MAX_OVERHEAD
        )

    def _save(self, step: int) -> None:
        throughput = self._throughput.state()
        self._writer.wait()
        now = time.monotonic()
        # On a GPU Divergence has not read it in every step; with loss scaling
        # the weights stay finite where it is not.
        loss = float(self.model.get_metrics_result()["loss"])
        if not math.isfinite(loss):
            raise diverged(f"the loss became {loss}", step, self._writer.kept())
        arrays = checkpoint.capture(self.model)
        if not all(np.isfinite(array).all() for array in arrays):
            raise diverged(
                "weights are not finite any more", step, self._writer.kept()
            )
        record = self._provenance.record(self.model) | {
            "throughput": throughput,
            "history": list(self._log.history),
        }
        self._writer.begin(Checkpoint(step, arrays, record), captured_at=now)
        self._saved_at, self._saved_step = now, step
        self._throughput.skip()

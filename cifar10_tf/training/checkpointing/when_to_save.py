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

# Of the time, what the checkpoints of short epochs may take.
_MAX_OVERHEAD = 0.01


class Checkpoints(keras.callbacks.Callback):
    """Saves the training from time to time, at ends of epochs, and to stop it.

    Comes after Throughput and Divergence, before all others. Where a file can't
    be written, the training ends with the next step.

    Args:
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
        writer: CheckpointWriter,
        provenance: Provenance,
        *,
        throughput: Throughput,
        log: MetricsLog,
        every_sec: float,
    ):
        super().__init__()
        self._writer = writer
        self._provenance = provenance
        self._throughput, self._log = throughput, log
        self._every_sec = every_sec
        self._saved_step = None  # of the newest that is there or on its way
        self._saved_at = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # From the first step's end on, signals wait for a step's; before, while
        # it was traced, there was nothing to be saved.
        interruption.hold()
        is_last = batch + 1 == self.params["steps"]
        step = self._epoch * self.params["steps"] + batch + 1
        self._writer.check()
        stop = interruption.due()
        if stop or self._is_time(is_last):
            self._save(step)
        if stop:
            self._writer.wait()
            num_steps = self.params["epochs"] * self.params["steps"]
            raise interruption.Interrupted(
                f"{stop} after step {step:,} of {num_steps:,}", stop.status
            )
        # What is not saved waits for the next step.
        if self._saved_step == step:
            interruption.release()

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

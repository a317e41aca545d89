"""When a training is saved, where it stops, and how it goes on."""

import concurrent.futures
import json
import logging
import math
import pathlib
import time

import keras
import numpy as np

from cifar10_tf import checkpoint, interruption
from cifar10_tf.callbacks import MetricsLog, Throughput
from cifar10_tf.checkpoint import Checkpoint
from cifar10_tf.errors import UserError

_log = logging.getLogger(__name__)

# Of the time, what the checkpoints of short epochs may take.
_MAX_OVERHEAD = 0.01


class Checkpoints(keras.callbacks.Callback):
    """Saves the training from time to time, at ends of epochs, and to stop it.

    Comes after Throughput, before all others. Files are written beside the
    training, one at a time; where one can't be, the training ends with the next
    step.

    Args:
        directory: of the files.
        run: what a checkpoint must have been made of, as JSON has it.
        made_by: versions and hardware; with others, bits may differ.
        every_sec: how often at least; 0 is after each step.

    Raises:
        UserError: a checkpoint can't be written, or the training has diverged.
        Interrupted: a signal or the time ends the training, which is saved.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        *,
        run: dict,
        made_by: dict,
        throughput: Throughput,
        log: MetricsLog,
        every_sec: float,
    ):
        super().__init__()
        self._directory = directory
        self._run, self._made_by = run, made_by
        self._throughput, self._log = throughput, log
        self._every_sec = every_sec
        self._writer = concurrent.futures.ThreadPoolExecutor(1)
        self._writing = None
        self._kept_step = None  # of the newest that is on the disk
        self._saved_step = None  # of the newest that is there or on its way
        self._saved_at, self._cost_sec = time.monotonic(), 0.0

    def resume(self, model: keras.Model, found: Checkpoint | None) -> int:
        """Brings back a checkpoint and returns how many steps it had.

        Without one that is 0, and everything stays as it is.

        Raises:
            UserError: it does not fit this run.
        """
        checkpoint.remove_unfinished(self._directory)
        if not found:
            if self._log.begin([]):
                _log.info("No checkpoint to resume from: starting over.")
            return 0
        try:
            self._check(found, model)
            checkpoint.restore(model, found.arrays)
            found.arrays.clear()  # which the caller may keep
            self._throughput.go_on_from(found.record["throughput"])
            self._log.begin(found.record["history"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"the checkpoint of step {found.step:,} in {self._directory} "
                f"is not of this run ({error}); add --restart to start over."
            ) from error
        self._kept_step = found.step
        return found.step

    def _check(self, found: Checkpoint, model: keras.Model) -> None:
        for name, value in self._expected(model).items():
            if found.record[name] != _as_json(value):
                raise ValueError(f"other {name}")
        was, now = found.record["made_by"], _as_json(self._made_by)
        changes = [
            f"{name}: {was.get(name)} -> {value}"
            for name, value in now.items()
            if was.get(name) != value
        ]
        if changes:
            _log.warning(
                "the checkpoint was made elsewhere, and the run may not end "
                "with the same bits (%s).",
                "; ".join(changes),
            )

    def _expected(self, model: keras.Model) -> dict:
        return self._run | {"variables": checkpoint.describe(model)}

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # From the first step's end on, signals wait for a step's; before, while
        # it was traced, there was nothing to be saved.
        interruption.hold()
        is_last = batch + 1 == self.params["steps"]
        step = self._epoch * self.params["steps"] + batch + 1
        if not math.isfinite(logs["loss"]):
            raise self._diverged(f"the loss became {logs['loss']}", step)
        if self._writing and self._writing.done():
            self._wait()
        stop = interruption.due()
        if stop or self._is_time(is_last):
            self._save(step)
        if stop:
            self._wait()
            num_steps = self.params["epochs"] * self.params["steps"]
            raise interruption.Interrupted(
                f"{stop} after step {step:,} of {num_steps:,}", stop.status
            )
        # What is not saved waits for the next step.
        if self._saved_step == step:
            interruption.release()

    def on_epoch_end(self, epoch, logs=None):
        for name, value in logs.items():
            if not math.isfinite(value):
                step = (epoch + 1) * self.params["steps"]
                raise self._diverged(f"{name} became {value}", step)

    def on_train_end(self, logs=None):
        self._wait()
        self._writer.shutdown()

    def _is_time(self, is_last_of_epoch: bool) -> bool:
        if is_last_of_epoch and self._epoch + 1 == self.params["epochs"]:
            return True  # evaluation and drawing are still to come
        if self._writing and self._every_sec:
            return False  # a slow disk must not stop the training
        sec = time.monotonic() - self._saved_at
        return sec >= self._every_sec or (
            is_last_of_epoch and sec >= self._cost_sec / _MAX_OVERHEAD
        )

    def _save(self, step: int) -> None:
        throughput = self._throughput.state()
        self._wait()
        start = time.monotonic()
        arrays = checkpoint.capture(self.model)
        if not all(np.isfinite(array).all() for array in arrays):
            raise self._diverged("weights are not finite any more", step)
        record = self._expected(self.model) | {
            "made_by": self._made_by,
            "throughput": throughput,
            "history": list(self._log.history),
        }
        self._writing = self._writer.submit(
            self._write, Checkpoint(step, arrays, record), start
        )
        self._saved_at, self._saved_step = start, step
        self._throughput.skip()

    def _write(self, checkpoint_: Checkpoint, start: float) -> None:
        try:
            checkpoint.write(self._directory, checkpoint_)
        except OSError as error:
            raise UserError(
                f"the checkpoint of step {checkpoint_.step:,} can't be written "
                f"({error.strerror or error}); {self._kept()}. Make room and "
                "run the same command again (without --restart)."
            ) from error
        self._kept_step = checkpoint_.step
        self._cost_sec = time.monotonic() - start

    def _wait(self) -> None:
        if self._writing:
            writing, self._writing = self._writing, None
            writing.result()

    def _diverged(self, what: str, step: int) -> UserError:
        self._wait()
        return UserError(
            f"{what} in step {step:,}; {self._kept()}. Start over with "
            "--restart and a lower --learning_rate."
        )

    def _kept(self) -> str:
        if self._kept_step is None:
            return "there is no checkpoint yet"
        return f"the checkpoint of step {self._kept_step:,} is kept"


def _as_json(value):
    """Returns what comes back from JSON: lists for tuples."""
    return json.loads(json.dumps(value))

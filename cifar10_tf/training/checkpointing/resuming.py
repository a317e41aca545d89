"""A checkpoint -> a training that goes on from there."""

import logging

import keras

from cifar10_tf.runs import checkpoint
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.checkpointing.provenance import Provenance

_log = logging.getLogger(__name__)


def resume(
    model: keras.Model,
    saved: Checkpoint | None,
    provenance: Provenance,
    *,
    throughput: Throughput,
    log: MetricsLog,
) -> int:
    """Brings back a checkpoint and returns how many steps it had.

    Without one that is 0, and everything stays as it is.

    Raises:
        UserError: it does not fit this run.
    """
    if not saved:
        if log.begin([]):
            _log.info("No checkpoint to resume from: starting over.")
        return 0
    try:
        provenance.check(saved, model)
        checkpoint.restore(model, saved.arrays)
        saved.arrays.clear()  # which the caller may keep
        throughput.go_on_from(saved.record["throughput"])
        log.begin(saved.record["history"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"the checkpoint of step {saved.step:,} is not of this run "
            f"({error}); add --restart to start over."
        ) from error
    return saved.step

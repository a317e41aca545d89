"""A run's model -> trained, from wherever the run was."""

import contextlib
import logging
import time
from typing import NamedTuple

import keras
import numpy as np

from cifar10_tf.datasets import names
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import FOLDER, Config
from cifar10_tf.system import interruption, inventory
from cifar10_tf.training import (
    easy_images,
    loop,
    low_resolution,
    progress,
    results,
)
from cifar10_tf.training.callbacks.averaged_validation import (
    AveragedValidation,
)
from cifar10_tf.training.callbacks.board import Board
from cifar10_tf.training.callbacks.divergence import Divergence
from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.checkpointing.background_writer import CheckpointWriter
from cifar10_tf.training.checkpointing.provenance import Provenance
from cifar10_tf.training.checkpointing.resuming import resume
from cifar10_tf.training.checkpointing.when_to_save import Checkpoints, Stop
from cifar10_tf.training.distribution.devices import Devices
from cifar10_tf.training.training_data import TrainingData

# After how many steps the loss is read back from a GPU, which waits for it.
_STEPS_ON_GPU = 50

_log = logging.getLogger(__name__)


class Setup(NamedTuple):
    """What a run is made of, by whom and where to."""

    config: Config
    data: TrainingData
    devices: Devices
    run: RunDirectory
    board: Board
    checkpoint_every_sec: float


class _Record(NamedTuple):
    """What is kept of a training, in its checkpoints too."""

    provenance: Provenance
    throughput: Throughput
    log: MetricsLog


def fit(
    model: keras.Model,
    setup: Setup,
    steps_per_epoch: int,
    *,
    throughput: Throughput,
    resume_from: Checkpoint | None,
    environment: dict,
) -> None:
    """Trains for all epochs, from where the run was.

    Args:
        environment: as `summary.json` says it.

    Raises:
        UserError: as of `trainer.train`.
        Interrupted: a signal or the time ends it, saved if there was a step.
    """
    config, data, devices, run, *_ = setup
    workers = devices.workers
    if workers.is_chief:
        progress.announce(config, run, data)
        progress.warn_of_sizes(config, data)
    start = time.perf_counter()
    is_easy = workers.of_first(
        easy_images.find_easy_images(config, data, resume_from)
    )
    throughput.train_sec = time.perf_counter() - start
    record = _Record(
        _provenance(config, data, is_easy, environment),
        throughput,
        MetricsLog(run.metrics if workers.is_chief else None),
    )
    with devices.scope():
        _fit(model, setup, steps_per_epoch, resume_from, is_easy, record)
    interruption.release()  # what the end of the training held back


def _fit(
    model: keras.Model,
    setup: Setup,
    steps_per_epoch: int,
    resume_from: Checkpoint | None,
    is_easy: np.ndarray,
    record: _Record,
) -> None:
    """Trains on the devices in whose scope it is called."""
    config, data, devices, *_ = setup
    workers = devices.workers
    provenance, throughput, log = record
    first_step = resume(
        model, resume_from, provenance, throughput=throughput, log=log
    )
    # An epoch is over when it is validated and in the log.
    first_epoch = len(log.history)
    if first_step and workers.is_chief:
        _log.info(
            "Resuming from step %s (epoch %d of %d).",
            f"{first_step:,}",
            first_epoch + 1,
            config.epochs,
        )
    with contextlib.ExitStack() as until_written:
        loop.fit(
            model,
            low_resolution.batches(
                config,
                data.train,
                steps_per_epoch,
                first_step=first_step,
                first_epoch=first_epoch,
                subsets=easy_images.epoch_subsets(is_easy, config.easy_every),
                parts=devices.parts,
            ),
            epochs=config.epochs,
            steps_per_epoch=steps_per_epoch,
            first_epoch=first_epoch,
            first_batch=first_step - first_epoch * steps_per_epoch,
            validation=data.validation,
            callbacks=[
                throughput,
                *_saving(setup, record, first_step, until_written),
                *([AveragedValidation()] if config.ema else []),
                log,
            ],
            make_steps=devices.steps,
            read_every=_STEPS_ON_GPU if inventory.gpus() else 1,
            verbose=progress.verbosity() if workers.is_chief else 0,
        )


def _saving(
    setup: Setup,
    record: _Record,
    first_step: int,
    until_written: contextlib.ExitStack,
) -> list[keras.callbacks.Callback]:
    """Returns what saves a training, and stops it where it can't go on.

    The first worker writes for all.
    """
    config, data, devices, run, board, every_sec = setup
    workers = devices.workers
    if not workers.is_chief:
        return [Divergence(lambda: "worker 0 has what is saved"), Stop(workers)]
    run.write_config(config)  # its data may be in another place now
    if board:
        board.begin(
            first_step, record.log, lambda: results.samples_png(config, data)
        )
    writer = CheckpointWriter(run.checkpoints, kept_step=first_step or None)
    until_written.enter_context(writer)
    return [
        Divergence(writer.kept),
        board,
        Checkpoints(
            workers,
            writer,
            record.provenance,
            throughput=record.throughput,
            log=record.log,
            every_sec=every_sec,
        ),
    ]


def _provenance(
    config: Config, data: TrainingData, is_easy: np.ndarray, environment: dict
) -> Provenance:
    """Returns what a checkpoint of the run must be of, and where it is made."""
    by_name = {
        **environment["versions"],
        **environment["hardware"],
        "jit": environment["jit"],
        "num_workers": environment["num_workers"],
        "num_devices": environment["num_devices"],
    }
    settings = config.settings()
    if names.folder(config.dataset):
        # It may move: its images are known by their digest.
        settings["dataset"] = FOLDER
    return Provenance(
        run={
            "settings": settings,
            "precision": environment["precision"],
            "data": data.digest,
            "easy_images": easy_images.to_text(is_easy),
        },
        # How much there is of memory and of time changes no bit.
        environment={
            name: value
            for name, value in by_name.items()
            if name not in ("memory_gib", "cpu_quota")
        },
    )

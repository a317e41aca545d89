"""Config -> trained model and run directory; reads as a recipe."""

import contextlib
import logging
import time
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from cifar10_tf.evaluation import evaluation
from cifar10_tf.models.building import num_params
from cifar10_tf.models.layers import whitening
from cifar10_tf.pipeline.batches import steps_per_epoch
from cifar10_tf.runs import checkpoint, checkpoint_files, saved_model
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.settings.options import Options
from cifar10_tf.system import inventory, tensorflow_startup
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.interruption import Interrupted
from cifar10_tf.training import (
    easy_images,
    loop,
    precision,
    progress,
    results,
    training_data,
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
from cifar10_tf.training.checkpointing.when_to_save import Checkpoints
from cifar10_tf.training.compiled_model import compiled_model
from cifar10_tf.training.training_data import TrainingData

# After how many steps the loss is read back from a GPU, which waits for it.
_STEPS_ON_GPU = 50

_log = logging.getLogger(__name__)


def train(config: Config, options: Options, *, command: str = "") -> dict:
    """Trains, evaluates, draws and returns the run's summary.

    Goes on with a run that was interrupted, and ends with the same bits.

    Args:
        config: what its dataset and its directories stand for is found here.
        options: of them those that are about one run.
        command: what the summary says that makes the run.

    Raises:
        UserError: the data can't be had, the run directory can't be used, the
            loss diverges or memory runs out.
    """
    with _advising(
        f"at --batch_size={config.batch_size}; start over with --restart and "
        "a lower one"
    ):
        return _train(config, options, command)


@contextlib.contextmanager
def _advising(advice: str) -> Iterator[None]:
    """Says what to do where memory runs out meanwhile."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise UserError(f"out of memory {advice}.") from error


def _train(config: Config, options: Options, command: str) -> dict:
    config = resolve_config(config)
    set_up_tensorflow(config)
    data = training_data.load(config)
    run = RunDirectory(config.run_dir)
    board = _open_board(run, options)
    board.check(config.epochs * _size_of_epoch(config, data)[1])
    if options.restart:
        run.set_aside()
    run.open(config)
    try:
        return _train_in(run, config, options, data, board, command)
    except Interrupted as stop:
        stop.can_go_on = bool(checkpoint_files.find(run.checkpoints))
        raise
    finally:
        board.close()
        run.close()


def _train_in(
    run: RunDirectory,
    config: Config,
    options: Options,
    data: TrainingData,
    board: Board,
    command: str,
) -> dict:
    resume_from = checkpoint.newest(run.checkpoints)
    policy = precision.set_policy(config.precision, resume_from)
    num_examples, num_steps = _size_of_epoch(config, data)
    model = compiled_model(
        config,
        num_classes=len(data.class_names),
        num_steps=config.epochs * num_steps,
    )
    whitening.adapt(model, data.sample)

    environment = {
        "precision": policy,
        "versions": inventory.versions(),
        "hardware": inventory.hardware(),
        # Keras's choice: where there is a GPU and no determinism is asked for.
        "jit": model.jit_compile,
    }
    throughput = Throughput(num_examples, config.batch_size)
    _fit(
        model,
        config,
        run,
        data,
        num_steps,
        throughput=throughput,
        board=board,
        resume_from=resume_from,
        environment=environment,
        checkpoint_every_sec=options.checkpoint_every_sec,
    )
    # The batches of the training have no part in it, and it is saved.
    with _advising(
        "after the training, which is kept; end other programs and run the "
        "same command again, without --restart"
    ):
        saved_model.save(model, run)
        # From here on the model is the one on disk; the test split is read.
        result = evaluation.evaluate(
            run, data.test, data.class_names, with_tta=config.tta
        )
    return results.write(
        run,
        config,
        data,
        result,
        {**environment, "num_params": num_params(model), "command": command},
        throughput,
        board,
    )


def _size_of_epoch(config: Config, data: TrainingData) -> tuple[int, int]:
    """Returns how many examples and steps an epoch has."""
    num_examples = easy_images.examples_per_epoch(
        data.num_train, config.easy_every
    )
    return num_examples, steps_per_epoch(num_examples, config.batch_size)


def _open_board(run: RunDirectory, options: Options) -> Board:
    if not options.tensorboard:
        return Board()
    # Needs an extra, which not everybody has installed.
    from cifar10_tf.training.callbacks.tensorboard import TensorBoard

    return TensorBoard(run, options.profile)


def set_up_tensorflow(config: Config) -> None:
    """Starts TensorFlow with the seed and the determinism of a run."""
    tensorflow_startup.start_tensorflow()
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()


def _fit(
    model: keras.Model,
    config: Config,
    run: RunDirectory,
    data: TrainingData,
    num_steps: int,
    *,
    throughput: Throughput,
    board: Board,
    resume_from: Checkpoint | None,
    environment: dict,
    checkpoint_every_sec: float,
) -> None:
    """Trains for all epochs, each of num_steps steps, from where it was."""
    progress.announce(config, run, data)
    progress.warn_of_sizes(config, data)
    start = time.perf_counter()
    is_easy = easy_images.find_easy_images(config, data, resume_from)
    throughput.train_sec = time.perf_counter() - start
    provenance = _provenance(config, data, is_easy, environment)
    log = MetricsLog(run.metrics)
    first_step = resume(
        model, resume_from, provenance, throughput=throughput, log=log
    )
    run.write_config(config)  # its data may be in another place now
    if board:
        board.begin(first_step, log, lambda: results.samples_png(config, data))
    writer = CheckpointWriter(run.checkpoints, kept_step=first_step or None)
    # An epoch is over when it is validated and in the log.
    first_epoch = len(log.history)
    if first_step:
        _log.info(
            "Resuming from step %s (epoch %d of %d).",
            f"{first_step:,}",
            first_epoch + 1,
            config.epochs,
        )
    with writer:
        loop.fit(
            model,
            data.train.shuffled(
                config.batch_size,
                first_step,
                subsets=easy_images.epoch_subsets(is_easy, config.easy_every),
            ),
            epochs=config.epochs,
            steps_per_epoch=num_steps,
            first_epoch=first_epoch,
            first_batch=first_step - first_epoch * num_steps,
            validation=data.validation,
            callbacks=[
                throughput,
                Divergence(writer.kept),
                board,
                Checkpoints(
                    writer,
                    provenance,
                    throughput=throughput,
                    log=log,
                    every_sec=checkpoint_every_sec,
                ),
                *([AveragedValidation()] if config.ema else []),
                log,
            ],
            read_every=_STEPS_ON_GPU if inventory.gpus() else 1,
            verbose=progress.verbosity(),
        )


def _provenance(
    config: Config, data: TrainingData, is_easy: np.ndarray, environment: dict
) -> Provenance:
    """Returns what a checkpoint of the run must be of, and where it is made."""
    by_name = {
        **environment["versions"],
        **environment["hardware"],
        "jit": environment["jit"],
    }
    return Provenance(
        run={
            "settings": config.settings(),
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

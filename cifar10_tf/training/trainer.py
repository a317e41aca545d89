"""Config -> trained model and run directory; reads as a recipe."""

import contextlib
from collections.abc import Iterator

import keras
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
from cifar10_tf.system import inventory, tensorflow_startup, version
from cifar10_tf.system.cluster.peers import Peers
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.interruption import Interrupted
from cifar10_tf.training import (
    easy_images,
    fitting,
    precision,
    results,
    training_data,
)
from cifar10_tf.training.callbacks.board import Board
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.compiled_model import compiled_model
from cifar10_tf.training.distribution import devices as distribution
from cifar10_tf.training.distribution.devices import Devices
from cifar10_tf.training.fitting import Setup


def train(
    config: Config,
    options: Options,
    *,
    command: str = "",
    peers: Peers | None = None,
) -> dict:
    """Trains, evaluates, draws and returns the run's summary.

    Goes on with a run that was interrupted, and ends with the same bits.

    Args:
        config: what its dataset and its directories stand for is found here.
        options: of them those that are about one run.
        command: what the summary says that makes the run.
        peers: the processes that train with this one; None: it is alone.

    Raises:
        UserError: the data can't be had, the run directory can't be used, the
            loss diverges or memory runs out.
    """
    with _advising(
        f"at --batch_size={config.batch_size}; start over with --restart and "
        "a lower one"
    ):
        return _train(config, options, command, peers)


@contextlib.contextmanager
def _advising(advice: str) -> Iterator[None]:
    """Says what to do where memory runs out meanwhile."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise UserError(f"out of memory {advice}.") from error


def _train(
    config: Config, options: Options, command: str, peers: Peers | None
) -> dict:
    config = resolve_config(config)
    tensorflow_startup.start_tensorflow(num_gpus=None)
    devices = distribution.choose(options.devices, peers)
    set_up_tensorflow(config)
    with devices.workers.together():
        data = training_data.load(config, devices.parts)
        run = RunDirectory(config.run_dir)
        board = _open_board(run, options, devices)
        setup = Setup(
            config, data, devices, run, board, options.checkpoint_every_sec
        )
        try:
            devices.workers.first(lambda: _open_run(setup, options))
            return _train_in(setup, command)
        except Interrupted as stop:
            stop.can_go_on = bool(checkpoint_files.find(run.checkpoints))
            raise
        finally:
            board.close()
            run.close()


def _open_run(setup: Setup, options: Options) -> None:
    config = setup.config
    setup.board.check(config.epochs * _size_of_epoch(setup)[1])
    if options.restart:
        setup.run.set_aside()
    setup.run.open(config)


def _train_in(setup: Setup, command: str) -> dict:
    config, data, devices, run, board, _ = setup
    workers = devices.workers
    workers.check_shared(run.path)
    resume_from = _newest_checkpoint(setup)
    policy = precision.set_policy(config.precision, resume_from)
    _check_same(setup, policy, resume_from)
    num_examples, num_steps = _size_of_epoch(setup)
    throughput = Throughput(num_examples, config.batch_size)
    model = compiled_model(
        config,
        num_classes=len(data.class_names),
        num_steps=config.epochs * num_steps,
        devices=devices,
    )
    environment = {
        "precision": policy,
        "versions": inventory.versions(),
        "hardware": inventory.hardware(),
        "num_workers": workers.num,
        "num_devices": devices.num,
        # Keras's choice: where a GPU is alone and no determinism is asked for.
        "jit": model.jit_compile and devices.num == 1,
    }
    with devices.scope():
        whitening.adapt(model, data.sample)
    fitting.fit(
        model,
        setup,
        num_steps,
        throughput=throughput,
        resume_from=resume_from,
        environment=environment,
    )
    if not workers.is_chief:
        workers.wait()  # until the first one has written everything
        return run.read_summary()
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
    summary = results.write(
        run,
        config,
        data,
        result,
        {**environment, "num_params": num_params(model), "command": command},
        throughput,
        board,
    )
    workers.wait()
    return summary


def _newest_checkpoint(setup: Setup) -> Checkpoint | None:
    """Returns what all workers go on from."""
    workers, directory = setup.devices.workers, setup.run.checkpoints
    # The first one puts damaged ones out of the way.
    newest = checkpoint.newest(directory) if workers.is_chief else None
    workers.wait()
    return newest if workers.is_chief else checkpoint.newest(directory)


def _check_same(
    setup: Setup, policy: str, resume_from: Checkpoint | None
) -> None:
    """Checks that all workers train the same.

    Raises:
        UserError: they do not.
    """
    setup.devices.workers.check_same(
        {
            "version of cifar10_tf": version.VERSION,
            "precision": policy,
            "data": setup.data.digest,
            "checkpoint": resume_from.step if resume_from else None,
        }
        | {f"--{n}": v for n, v in setup.config.settings().items()}
    )


def _size_of_epoch(setup: Setup) -> tuple[int, int]:
    """Returns how many examples and steps an epoch has."""
    num_examples = easy_images.examples_per_epoch(
        setup.data.num_train, setup.config.easy_every
    )
    return num_examples, steps_per_epoch(num_examples, setup.config.batch_size)


def _open_board(run: RunDirectory, options: Options, devices: Devices) -> Board:
    if not (options.tensorboard and devices.workers.is_chief):
        return Board()
    # Needs an extra, which not everybody has installed.
    from cifar10_tf.training.callbacks.tensorboard import TensorBoard

    return TensorBoard(run, options.profile)


def set_up_tensorflow(config: Config) -> None:
    """Gives TensorFlow the seed and the determinism of a run."""
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()

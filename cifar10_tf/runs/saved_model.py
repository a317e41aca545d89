"""The trained network on the disk, `model.keras`: written, and read safely."""

import contextlib
import pathlib
import warnings
import zipfile
from collections.abc import Iterator

import keras
import tensorflow as tf

from cifar10_tf.models.building import build_model
from cifar10_tf.models.layers.plain_keras import in_plain_keras
from cifar10_tf.models.loss_and_metrics import loss_and_metrics
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.atomic_files import replacing
from cifar10_tf.system.errors import UserError


@contextlib.contextmanager
def keeping_policy() -> Iterator[None]:
    """Gives back the dtype policy: a notebook builds other models, too."""
    policy = keras.config.dtype_policy()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def save(model: keras.Model, run: RunDirectory) -> None:
    """Saves a compiled model so that it loads without this package.

    It keeps its loss and metrics, and so can be evaluated, but not the
    optimizer that trained it: the state would double or triple the file, and a
    schedule of ours would need this package and loss scaling the same dtype
    policy to load. SGD, which takes its place, has no state to speak of.
    """
    plain = in_plain_keras(model)
    plain.compile(
        keras.optimizers.SGD(), auto_scale_loss=False, **loss_and_metrics()
    )
    plain.optimizer.build(plain.trainable_variables)
    with replacing(run.model) as aside:
        plain.save(aside)


def load_in_its_precision(run: RunDirectory) -> keras.Model:
    """Returns a complete run's network, whatever the global dtype policy.

    Raises:
        UserError: the run is not complete, or as of `load`.
    """
    with keeping_policy():
        keras.config.set_dtype_policy(run.read_summary()["precision"])
        return load(run, len(run.class_names()))


def load(run: RunDirectory, num_classes: int) -> keras.Model:
    """Returns the network of the run's config with the weights that it saved.

    The file says what numbers go in, not what is computed: a model of somebody
    else's can't run code. The global dtype policy must be that of the training.

    Raises:
        UserError: the file is missing, damaged, or of another network.
    """
    name = run.read_config().model
    # As the file loads without this package, so that figures agree.
    model = in_plain_keras(build_model(name, num_classes=num_classes))
    run.check_model()
    try:
        load_weights(model, run.model)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise  # says nothing about the file
    except Exception as error:  # a zip or HDF5 error, or Keras's own
        raise UserError(
            f"{run.model} can't be loaded: it is damaged, or no {name} that "
            f"tells {num_classes} classes apart ({type(error).__name__}); "
            "train it again with --restart."
        ) from error
    return model


def load_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Gives a network the weights in a .keras file, and takes nothing else.

    Raises:
        Exception: the file is damaged, or another network's.
    """
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} is damaged")
    with warnings.catch_warnings():
        # Of layers that are not in the file Keras only warns.
        warnings.simplefilter("error", UserWarning)
        model.load_weights(path)

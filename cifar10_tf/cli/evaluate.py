"""Evaluate the saved model of --run_dir again, from disk."""

import dataclasses

from cifar10_tf.cli.flags import FLAGS
from cifar10_tf.cli.result_text import describe_result
from cifar10_tf.datasets import names
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system import tensorflow_startup
from cifar10_tf.system.errors import UserError


def run() -> None:
    """Prints the test accuracy of the weights on the disk; changes no file."""
    if not FLAGS.run_dir:
        raise UserError("evaluate needs --run_dir=DIRECTORY, that of a run.")
    directory = RunDirectory(FLAGS.run_dir)
    config = directory.read_config()
    policy = directory.read_summary()["precision"]
    data_dir = FLAGS.data_dir or config.data_dir
    _check_data(config)
    resolve_dataset(config.dataset, data_dir)
    tensorflow_startup.start_tensorflow()
    import keras

    from cifar10_tf.evaluation import evaluation

    keras.config.set_dtype_policy(policy)
    dataset = load_dataset(config.dataset, data_dir)
    result = evaluation.evaluate(
        directory,
        dataset.test,
        dataset.class_names,
        with_tta=FLAGS.tta or config.tta,
    )
    print(describe_result(dataclasses.asdict(config) | result.metrics()))


def _check_data(config: Config) -> None:
    # A config of somebody else's must not choose where data are written.
    if FLAGS.data_dir or config.dataset == "synthetic10":
        return
    if names.folder(config.dataset):
        return
    if not prepared_files.find(config.dataset, config.data_dir):
        raise UserError(
            f"{config.dataset} is not in {config.data_dir!r}, where the run "
            "had it; say where it is, or may be put, by --data_dir."
        )

"""Evaluate the saved model of --run_dir again, from disk."""

import dataclasses

from cifar10_tf.cli import flags
from cifar10_tf.cli.flags import FLAGS
from cifar10_tf.cli.result_text import describe_result
from cifar10_tf.datasets import names
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.runs import changed_images
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system import tensorflow_startup
from cifar10_tf.system.errors import UserError

TAKES = ("run_dir", "dataset", "data_dir", "tta")


def run() -> None:
    """Prints the test accuracy of the weights on the disk; changes no file.

    Of a study's directory, that of each complete run.
    """
    flags.config_and_options()  # whose values are checked
    if not FLAGS.run_dir:
        raise UserError("evaluate needs --run_dir=DIRECTORY, that of a run.")
    directory = RunDirectory(FLAGS.run_dir)
    is_run = directory.is_run()
    runs = [] if is_run else StudyDirectory(directory.path).runs()
    for run in runs or [directory]:
        print(_evaluate(run))


def _evaluate(run: RunDirectory) -> str:
    config, summary = run.read_config(), run.read_summary()
    dataset_name, data_dir = _find_data(config)
    tensorflow_startup.start_tensorflow()
    import keras

    from cifar10_tf.evaluation import evaluation

    keras.config.set_dtype_policy(summary["precision"])
    dataset = load_dataset(dataset_name, data_dir)
    _check_classes(summary, dataset.class_names)
    changed_images.warn_of_evaluation(summary, dataset)
    result = evaluation.evaluate(
        run,
        dataset.test,
        dataset.class_names,
        with_tta=config.tta if FLAGS.tta is None else FLAGS.tta,
    )
    return describe_result(dataclasses.asdict(config) | result.metrics())


def _find_data(config: Config) -> tuple[str, str]:
    """Returns the dataset of a run, and the data directory that has it now.

    Raises:
        UserError: it is not there, or another one is asked for.
    """
    name = FLAGS.dataset or config.dataset
    asked = dataclasses.replace(config, dataset=name)
    if config.with_folder_of(asked) != asked:
        raise UserError(
            f"the run is of {config.dataset}, and is not evaluated on {name}: "
            "leave --dataset out."
        )
    given_dir = FLAGS.data_dir or ""
    if given_dir or names.folder(name) or name == "synthetic10":
        return resolve_dataset(name, given_dir), given_dir
    for data_dir in config.data_dir, "":
        if prepared_files.find(name, data_dir):
            return name, data_dir
    # A config of somebody else's must not choose where data are written.
    raise UserError(
        f"{name} is neither in {config.data_dir}, where the run had it, nor in "
        f"{prepared_files.data_root(name, '')}; say where it is, or may be "
        "put, by --data_dir."
    )


def _check_classes(summary: dict, names_now: tuple[str, ...]) -> None:
    """Checks that a class has the number that it had in the training."""
    trained = summary.get("class_names", summary.get("per_class_accuracy", ()))
    changes = [
        f"{was!r} is {now!r} now"
        for was, now in zip(trained, names_now, strict=False)
        if was != now
    ]
    if changes:
        raise UserError(
            "the classes have other names than in the training, or another "
            f"order ({'; '.join(changes[:3])}): name them as they were."
        )

"""Evaluate the saved model of --run_dir again, from disk."""

import functools
import logging
import pathlib

from cifar10_tf.cli import flags, output_file
from cifar10_tf.cli.flags import FLAGS
from cifar10_tf.cli.result_text import describe_evaluation, describe_mean
from cifar10_tf.datasets import names
from cifar10_tf.datasets.loading import Examples, ImageDataset, load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import corrupted_cifar10, prepared_files
from cifar10_tf.datasets.validation_split import split_train
from cifar10_tf.runs import changed_images
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.command_options import EvaluateOptions
from cifar10_tf.settings.config import Config
from cifar10_tf.system import tensorflow_startup
from cifar10_tf.system.atomic_files import replacing, write_json
from cifar10_tf.system.errors import UserError

TAKES = (
    "run_dir",
    "dataset",
    "data_dir",
    "split",
    "tta",
    "corruptions",
    "output",
)

_log = logging.getLogger(__name__)


def run() -> None:
    """Prints the accuracy of the weights on the disk.

    Of a study's directory, that of each complete run, and their mean. A run is
    not changed, but for its corruptions.json.
    """
    flags.config_and_options()  # whose values are checked
    options = flags.options_of(EvaluateOptions)
    if not options.run_dir:
        raise UserError("evaluate needs --run_dir=DIRECTORY, that of a run.")
    directory = RunDirectory(options.run_dir)
    runs = StudyDirectory.complete_runs(directory)
    output = output_file.checked(options.output, ".json")
    if output and runs != [directory]:
        raise UserError(
            "--output takes the result of one run: give one of "
            f"{directory.path} as --run_dir."
        )
    accuracies = []
    for run in runs:
        result = _evaluate(run, options)
        accuracies.append(result["accuracy"])
        print(describe_evaluation(result))
        if output:
            _write(result, output)
    if len(accuracies) > 1:
        print(describe_mean(accuracies))


def _evaluate(run: RunDirectory, options: EvaluateOptions) -> dict:
    """Returns what the file of a result says."""
    config, summary = run.read_config(), run.read_summary()
    dataset_name, data_dir = _find_data(config)
    tensorflow_startup.start_tensorflow()
    import keras

    from cifar10_tf.evaluation import evaluation

    keras.config.set_dtype_policy(summary["precision"])
    dataset = load_dataset(dataset_name, data_dir)
    _check_classes(summary, dataset.class_names)
    changed_images.warn_of_evaluation(summary, dataset)
    examples = _choose_split(dataset, config, options.split)
    evaluated = evaluation.evaluate(
        run,
        examples,
        dataset.class_names,
        with_tta=config.tta if FLAGS.tta is None else FLAGS.tta,
    )
    result = {
        "run": str(run.path),
        "model": config.model,
        "seed": config.seed,
        "trained_on": config.dataset,
        "dataset": dataset_name,
        "split": options.split,
        "num_images": len(examples.labels),
    }
    for name, value in evaluated.metrics().items():
        result[name.removeprefix("test_")] = value
    if options.corruptions:
        from cifar10_tf.evaluation import robustness

        # Those that TFDS has are of these images only.
        are_published = (dataset_name, options.split) == ("cifar10", "test")
        result["corruptions"] = robustness.evaluate_corruptions(
            run,
            examples,
            len(dataset.class_names),
            functools.partial(_prepared, data_dir) if are_published else None,
        ).metrics()
        digest = dataset.folder_digest
        is_of_run = digest == summary.get("folder_digest") and (
            digest or dataset_name == summary["dataset"]
        )
        if is_of_run and options.split == "test":
            # A folder may have moved: it is called as in the run.
            _keep(run, result | {"dataset": summary["dataset"]})
    return result


def _keep(run: RunDirectory, result: dict) -> None:
    """Keeps a result on corrupted test images for the page of the run."""
    from cifar10_tf.evaluation.corruptions import result_file

    try:
        result_file.write(run, result)
        _log.info(
            "Written: %s; `report --run_dir=%s` shows it on the page.",
            run.corruptions,
            run.path,
        )
    except UserError as error:  # which does not make the result less right
        _log.warning("the page of the run can't show this: %s", error)


def _prepared(data_dir: str, corruption: str):
    """Finds what `robustness.Prepared` says."""
    directories = corrupted_cifar10.find(corruption, data_dir)
    return directories and [
        lambda path=path: Examples(*corrupted_cifar10.decode(path))
        for path in directories
    ]


def _choose_split(
    dataset: ImageDataset, config: Config, split: str
) -> Examples:
    """Returns a split's images, divided as in the run."""
    if split == "test":
        return dataset.test
    images, labels = dataset.train
    train, validation = split_train(
        labels, config.validation_fraction, config.max_train_examples
    )
    rows = train if split == "train" else validation
    if not len(rows):
        raise UserError(
            f"the run held nothing out (validation_fraction "
            f"{config.validation_fraction:g} of {len(labels)} images): choose "
            "--split=train or test."
        )
    return Examples(images[rows], labels[rows])


def _write(result: dict, path: pathlib.Path) -> None:
    """Writes the result, and beside it a picture where there is one."""
    try:
        if "corruptions" in result:
            from cifar10_tf.evaluation import corruption_plot

            picture = path.with_suffix(".png")
            with replacing(picture) as aside:
                corruption_plot.heatmap(result).savefig(aside, dpi=150)
                output_file.keep_earlier(picture)
        output_file.keep_earlier(path)
        write_json(path, result)
        _log.info("Written: %s", path)
    except OSError as error:
        raise UserError(
            f"--output={path} can't be written ({error.strerror})."
        ) from error


def _find_data(config: Config) -> tuple[str, str]:
    """Returns the dataset to evaluate on, and the data directory that has it.

    Raises:
        UserError: it is not there.
    """
    name = FLAGS.dataset or config.dataset
    if name == "auto":
        name = "cifar10"
    given_dir = FLAGS.data_dir or ""
    if given_dir or names.folder(name) or name == "synthetic10":
        return resolve_dataset(name, given_dir), given_dir
    for data_dir in config.data_dir, "":
        if prepared_files.find(name, data_dir):
            return name, data_dir
    # A config of somebody else's must not choose where data are written.
    of_run, default = (
        prepared_files.data_root(name, path) for path in (config.data_dir, "")
    )
    where = f"not in {of_run}, where the run had its data"
    if default != of_run:
        where += f", and not in {default}"
    raise UserError(
        f"{name} is {where}; say where it is, or may be put, by --data_dir."
    )


def _check_classes(summary: dict, names_now: tuple[str, ...]) -> None:
    """Checks that a class has the number that it had in the training."""
    trained = summary.get("class_names", summary.get("per_class_accuracy", ()))
    if trained and len(trained) != len(names_now):
        raise UserError(
            f"the run tells {len(trained)} classes apart ({_some(trained)}), "
            f"and the dataset has {len(names_now)} ({_some(names_now)}): "
            "choose one with the same classes, by --dataset."
        )
    changes = [
        f"{was!r} is {now!r} now"
        for was, now in zip(trained, names_now, strict=False)
        if was != now
    ]
    if changes:
        raise UserError(
            "the classes have other names than in the training, or another "
            f"order ({'; '.join(changes[:3])}): name them as they were, or "
            "choose data with the same classes, by --dataset."
        )


def _some(class_names) -> str:
    names_shown = list(class_names)
    more = ", ..." if len(names_shown) > 3 else ""
    return ", ".join(names_shown[:3]) + more

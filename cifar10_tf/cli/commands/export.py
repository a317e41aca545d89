"""Export the model of --run_dir to other formats, checked and measured."""

from cifar10_tf import api
from cifar10_tf.cli import export_table, flags, libraries
from cifar10_tf.cli.flags import FLAGS
from cifar10_tf.datasets.loading import ImageDataset, load_prepared
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.command_options import ExportOptions
from cifar10_tf.settings.export_formats import FORMATS
from cifar10_tf.system import tensorflow_startup
from cifar10_tf.system.atomic_files import check_writable
from cifar10_tf.system.errors import UserError

TAKES = ("run_dir", "dataset", "data_dir", "format")


def run() -> None:
    """Writes formats into export in the run's directory, and prints a table."""
    options = flags.options_of(ExportOptions)
    if not options.run_dir:
        raise UserError("export needs --run_dir=DIRECTORY, that of a run.")
    names = [*FORMATS] if options.format == "all" else [options.format]
    libraries.check(
        "export", {name for n in names for name in FORMATS[n].libraries}
    )
    directory = RunDirectory(api.load_run(options.run_dir).path)
    class_names = directory.class_names()  # of a complete run
    directory.check_model()
    _check_place(directory)
    dataset = _dataset(directory, class_names)
    tensorflow_startup.start_tensorflow()
    from cifar10_tf.deployment.exports import export

    result = export.export(directory, names, dataset)
    print(export_table.describe(result))
    print(f"Written: {directory.path / 'export'}")


def _check_place(directory: RunDirectory) -> None:
    place = directory.path / "export"
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise UserError(f"{place} is no directory of the run's; remove it.")
    try:
        check_writable(place)
    except OSError as error:
        raise UserError(
            f"{place} can't be written ({error.strerror})."
        ) from error


def _dataset(
    directory: RunDirectory, class_names: tuple[str, ...]
) -> ImageDataset:
    """Returns the images that an export is calibrated and checked with."""
    config = directory.read_config()
    try:
        dataset = load_prepared(
            FLAGS.dataset or config.dataset, FLAGS.data_dir or config.data_dir
        )
    except UserError as error:
        raise UserError(
            f"export checks with the images of the run, and {error}; say where "
            "they are by --data_dir or --dataset."
        ) from error
    if dataset.class_names != class_names:
        raise UserError(
            "the dataset has other classes than the run, or another order of "
            "them: choose the run's own, by --dataset."
        )
    return dataset

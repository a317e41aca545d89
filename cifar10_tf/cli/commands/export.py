"""Export the model of --run_dir to other formats, checked and measured."""

import importlib.util
from collections.abc import Iterable

from cifar10_tf import api
from cifar10_tf.cli import export_table, flags
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
    _check_libraries(names)
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


def _check_libraries(names: Iterable[str]) -> None:
    needed = {library for name in names for library in FORMATS[name].libraries}
    missing = [n for n in sorted(needed) if not importlib.util.find_spec(n)]
    if missing:
        raise UserError(
            f"export needs {', '.join(missing)}, which this Python does not "
            "have: pip install 'cifar10_tf[export]'"
        )


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

"""A path -> the runtime that computes what is there."""

import importlib
import os
import pathlib

from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings import extras
from cifar10_tf.settings.export_formats import FORMATS, ExportFormat
from cifar10_tf.system import log_output, paths, tensorflow_startup
from cifar10_tf.system.errors import UserError


def load(path: str | os.PathLike) -> Runtime:
    """Loads a model.

    Args:
        path: of the directory of a run, or of what `export` wrote: a SavedModel
            or a .tflite, .onnx or .keras file.

    Raises:
        UserError: there is nothing, something else, or it is damaged; or the
            library that computes it is not installed.
    """
    path = paths.absolute(path)
    if not path.exists():
        made = "; a run's models are made by export" * bool(path.suffix)
        raise UserError(f"{path} does not exist{made}.")
    # A run's own file is the run: it lacks what an export says of itself.
    directory = path.parent if path.name == "model.keras" else path
    if not directory.is_dir():
        return load_export(path, _format_of(path))
    run = StudyDirectory.one_run(directory)
    if run.is_run():
        run.read_summary()  # before the seconds of TensorFlow
        run.check_model()
        tensorflow_startup.start_tensorflow()
        from cifar10_tf.deployment.runtimes.keras_run import KerasRun

        return KerasRun(run)
    return load_export(path, _format_of(path))


def _format_of(path: pathlib.Path) -> ExportFormat:
    if (path / "saved_model.pb").is_file():
        return FORMATS["savedmodel"]
    files = {
        pathlib.PurePath(of.file).suffix: of
        for of in FORMATS.values()
        if not of.is_quantized
    }
    files.pop("")
    if path.suffix in files and path.is_file():
        return files[path.suffix]
    raise UserError(
        f"{path} holds no model: expected the directory of a run, or what "
        "export makes of it, which is a SavedModel or a file whose name ends "
        f"in {', '.join(files)}."
    )


def load_export(path: pathlib.Path, of: ExportFormat) -> Runtime:
    """Loads what `export` wrote.

    Raises:
        UserError: as of `load`.
        Exception: there is not enough memory.
    """
    runtime = runtime_class(of)
    try:
        with log_output.quiet_stderr():
            return runtime(path)
    except MemoryError:
        raise
    except Exception as error:  # each library has its own
        # TensorFlow's MemoryError; importing it for its name takes seconds.
        if type(error).__name__ == "ResourceExhaustedError":
            raise
        raise UserError(
            f"{path} can't be loaded: it is damaged, or nothing that export "
            f"made ({type(error).__name__}); export the run again."
        ) from error


def runtime_class(of: ExportFormat) -> type[Runtime]:
    """Returns the class that writes and computes a format.

    Raises:
        UserError: the library that computes it is not installed.
    """
    if not of.libraries:
        tensorflow_startup.start_tensorflow()
    module, _, name = of.runtime.partition(".")
    package = __name__.rpartition(".")[0]
    try:
        return getattr(importlib.import_module(f"{package}.{module}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in of.libraries:
            raise
        raise UserError(
            f"{of.file} needs {of.libraries[0]}, which is not installed: "
            f"{extras.install_command('export')}"
        ) from error

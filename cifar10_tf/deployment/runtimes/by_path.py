"""A path -> the runtime that computes what is there."""

import importlib
import os
import pathlib
from typing import NamedTuple

from cifar10_tf.deployment.runtimes.runtime import INSTALL, Runtime
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system import paths, tensorflow_startup
from cifar10_tf.system.errors import UserError


class _Format(NamedTuple):
    name: str
    runtime: str  # a module beside this one, and its class
    library: str


# By suffix; imported on demand, since TensorFlow takes seconds.
_FILES = {
    ".tflite": _Format("LiteRT", "litert.LiteRt", "ai_edge_litert"),
    ".onnx": _Format("ONNX", "onnx_runtime.OnnxRuntime", "onnxruntime"),
    ".keras": _Format("Keras", "keras_file.KerasFile", "tensorflow"),
}
_DIRECTORY = _Format("SavedModel", "savedmodel.SavedModel", "tensorflow")


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
        raise UserError(
            f"{path} does not exist; a run's models are made by export."
        )
    if path.suffix in _FILES and path.is_file():
        return _load(path, _FILES[path.suffix])
    if (path / "saved_model.pb").is_file():
        return _load(path, _DIRECTORY)
    run = RunDirectory(path)
    if path.is_dir() and run.is_run():
        run.read_summary()  # before the seconds of TensorFlow
        run.check_model()
        tensorflow_startup.start_tensorflow()
        return _import("keras_run.KerasRun")(run)
    raise UserError(
        f"{path} holds no model: expected the directory of a run, or what "
        "export makes of it, which is a SavedModel or a file whose name ends "
        f"in {', '.join(_FILES)}."
    )


def _load(path: pathlib.Path, of: _Format) -> Runtime:
    if of.library == "tensorflow":
        tensorflow_startup.start_tensorflow()
    try:
        runtime = _import(of.runtime)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != of.library:
            raise
        raise UserError(
            f"{path.name} needs {of.library}, which is not installed: {INSTALL}"
        ) from error
    try:
        return runtime(path)
    except Exception as error:  # each library has its own
        raise UserError(
            f"{path} can't be loaded: it is damaged, or no {of.name} model "
            f"that export made ({type(error).__name__}); export the run again."
        ) from error


def _import(runtime: str) -> type[Runtime]:
    module, _, name = runtime.partition(".")
    package = __name__.rpartition(".")[0]
    return getattr(importlib.import_module(f"{package}.{module}"), name)

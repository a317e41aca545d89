"""Formats of a run: written, checked, measured in turn, and described."""

import importlib.metadata
import json
import logging
import pathlib
import shutil
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from cifar10_tf.datasets.loading import ImageDataset
from cifar10_tf.datasets.validation_split import split_train
from cifar10_tf.deployment import network
from cifar10_tf.deployment.exports import checks, speed
from cifar10_tf.deployment.metadata import LABELS
from cifar10_tf.deployment.network import Network
from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.deployment.runtimes.keras_run import KerasRun
from cifar10_tf.pipeline.pixels import to_float
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.export_formats import FORMATS
from cifar10_tf.system import inventory
from cifar10_tf.system.atomic_files import (
    replacing,
    replacing_directory,
    write_json,
)
from cifar10_tf.system.errors import UserError

_log = logging.getLogger(__name__)

_NUM_CALIBRATION = 200


def export(
    run: RunDirectory, names: Collection[str], dataset: ImageDataset
) -> dict:
    """Writes formats into `export` of a complete run.

    A format that fails is not written, and an earlier file of it is removed;
    the others are written.

    Args:
        names: of `settings.export_formats.FORMATS`.
        dataset: that of the run.

    Returns:
        What `export.json` says: of all formats that are there by then.

    Raises:
        UserError: a format failed, or the run's model is damaged.
    """
    directory = run.path / "export"
    directory.mkdir(exist_ok=True)
    in_keras = KerasRun(run)
    reference = checks.Reference.compute(in_keras, dataset.test, names)
    of_run = network.read(run, _calibration_images(run, dataset))
    with replacing(directory / LABELS) as aside:
        aside.write_text(of_run.metadata.labels(), "utf-8")
    entries, failures = _earlier(directory), []
    for name in names:
        try:
            entries[name] = _write(directory, name, of_run, reference)
        except (MemoryError, OSError):  # of the machine, not of the format
            raise
        except Exception as error:  # each converter has its own
            # An earlier file would be taken for one of now.
            _remove(directory / FORMATS[name].file)
            entries.pop(name, None)
            failures.append(f"{FORMATS[name].file}: {_reason(error)}")
            cause = error
    result = _describe(run, in_keras, entries, dataset)
    write_json(directory / "export.json", result)
    if failures:
        raise UserError(f"not exported: {'; '.join(failures)}.") from cause
    return result


def _calibration_images(run: RunDirectory, dataset: ImageDataset):
    """Returns images that the run was trained on, uint8, of all classes."""
    images, labels = dataset.train
    fraction = run.read_config().validation_fraction
    rows, _ = split_train(labels, fraction, _NUM_CALIBRATION)
    return images[rows]


def _write(
    directory: pathlib.Path,
    name: str,
    of_run: Network,
    reference: checks.Reference,
) -> dict:
    """Writes a format; returns what was found out about it.

    Raises:
        CheckError: it does not do what Keras does, and is not kept.
        Exception: it can't be converted.
    """
    of = FORMATS[name]
    path = directory / of.file
    _log.info("Exporting %s.", path.name)
    replace = replacing if path.suffix else replacing_directory
    with replace(path) as aside:
        metadata = by_path.runtime_class(of).write(of_run, aside)
        runtime = by_path.load_export(aside, of)
        figures = checks.check(runtime, of, reference)
    return {
        "file": of.file,
        "precision": metadata.precision,
        "size_bytes": _size(path),
        **figures,
    }


def _remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    if isinstance(error, checks.CheckError | UserError):
        return text
    return f"it can't be converted ({type(error).__name__}: {text})"


def _size(path: pathlib.Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _earlier(directory: pathlib.Path) -> dict[str, dict]:
    """Returns what `export.json` says of formats that are still there."""
    try:
        text = (directory / "export.json").read_text("utf-8")
        entries = json.loads(text)["formats"]
        return {
            name: dict(entries[name])
            for name in FORMATS
            if name in entries and (directory / FORMATS[name].file).exists()
        }
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _describe(
    run: RunDirectory,
    in_keras: KerasRun,
    entries: dict[str, dict],
    dataset: ImageDataset,
) -> dict:
    """Measures all formats in turn, and returns what `export.json` says."""
    models = _models(run, in_keras, entries)
    _log.info("Written and checked. Measuring how fast they are, in turn.")
    speeds = speed.measure(models, dataset.test.images)
    summary = run.read_summary()
    of_run = ("model", "dataset", "precision", "test_accuracy")
    return {
        **{name: summary[name] for name in of_run},
        "test_accuracy_ci95": summary["test_accuracy_ci95"],
        "keras": {name: speeds[name] for name in list(models)[:2]},
        "formats": {
            name: entries[name] | speeds[name]
            for name in FORMATS
            if name in speeds
        },
        "versions": inventory.versions() | _library_versions(),
        "hardware": inventory.hardware(),
    }


def _models(
    run: RunDirectory, in_keras: KerasRun, names: Collection[str]
) -> dict[str, Callable[[np.ndarray], Any]]:
    """Returns what computes: Keras in two ways, then formats that load."""
    models = {
        "model.predict": lambda images: in_keras.model.predict(
            to_float(images), batch_size=speed.BATCH_SIZE, verbose=0
        ),
        "compiled model": in_keras.predict,
    }
    for name in names:
        of = FORMATS[name]
        path = run.path / "export" / of.file
        try:
            models[name] = by_path.load_export(path, of).predict
        except UserError as error:  # an earlier one
            _log.warning("Left out of export.json: %s", error)
    return models


def _library_versions() -> dict[str, str]:
    names = ("ai-edge-litert", "onnx", "onnxruntime", "tf2onnx")
    installed = {d.metadata["Name"] for d in importlib.metadata.distributions()}
    return {n: importlib.metadata.version(n) for n in names if n in installed}

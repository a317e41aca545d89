"""The runtimes that a run has -> the fastest one, by measurement."""

import logging
import os
import pathlib

import numpy as np

from cifar10_tf.deployment.exports import checks, speed
from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.export_formats import FORMATS

_log = logging.getLogger(__name__)

_EXPORTS = ("litert", "onnx")

# Images that a busy server computes together.
_BATCH_SIZE = 16


def choose(run_dir: str | os.PathLike) -> tuple[Runtime, dict[str, dict]]:
    """Returns the fastest runtime that answers as Keras does, and all speeds.

    The speeds are what `speed.measure` returns, of batches of 16.

    Raises:
        UserError: there is no complete run.
    """
    in_keras = by_path.load(run_dir)
    images = np.random.RandomState(0).randint(0, 256, (4, 4, 4, 3), np.uint8)
    images = images.repeat(8, axis=1).repeat(8, axis=2)
    expected = in_keras.predict(images)
    precision = RunDirectory(run_dir).read_summary()["precision"]
    runtimes = [in_keras]
    for name in _EXPORTS:
        path = pathlib.Path(run_dir) / "export" / FORMATS[name].file
        if not path.is_file():
            continue
        try:
            runtime = by_path.load(path)
            answers = runtime.predict(images)
            is_same = checks.is_close(answers, expected, precision)
        except Exception as error:  # each library has its own
            _log.warning("%s is left out: %s", path, error)
            continue
        if not is_same:
            _log.warning(
                "%s is left out: it answers otherwise than the run; export "
                "the run again.",
                path,
            )
            continue
        runtimes.append(runtime)
    speeds = speed.measure(
        {runtime.name: runtime.predict for runtime in runtimes},
        images,
        batch_size=_BATCH_SIZE,
    )

    def images_per_sec(runtime: Runtime) -> float:
        return speeds[runtime.name]["images_per_sec"]["median"]

    return max(runtimes, key=images_per_sec), speeds

"""The runtimes that a run has -> the fastest one, by measurement."""

import logging
import time
from typing import NamedTuple

import numpy as np

from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError

_log = logging.getLogger(__name__)

# What export may have made; int8 gives other answers.
_EXPORTS = ("model.onnx", "model.tflite")

# Of probabilities, as an export's check allows in mixed precision.
_MAX_DIFFERENCE = 0.01

_BATCH_SIZE = 64


class Speed(NamedTuple):
    """How fast a runtime was."""

    runtime: str
    single_ms: float
    images_per_sec: float


def choose(run_dir: str) -> tuple[Runtime, list[Speed]]:
    """Returns the fastest runtime that answers as Keras does, and all speeds.

    Raises:
        UserError: there is no complete run.
    """
    keras = by_path.load(run_dir)
    images = np.random.RandomState(0).randint(0, 256, (4, 4, 4, 3), np.uint8)
    images = images.repeat(8, axis=1).repeat(8, axis=2)
    expected = keras.predict(images)
    speeds = {keras: measure(keras)}
    for name in _EXPORTS:
        path = RunDirectory(run_dir).path / "export" / name
        if not path.is_file():
            continue
        try:
            runtime = by_path.load(path)
            difference = np.abs(runtime.predict(images) - expected).max()
        except (UserError, ValueError) as error:
            _log.warning("%s", error)
            continue
        if difference > _MAX_DIFFERENCE:
            _log.warning("%s is of another training: left out.", path)
            continue
        speeds[runtime] = measure(runtime)
    fastest = max(speeds, key=lambda runtime: speeds[runtime].images_per_sec)
    return fastest, list(speeds.values())


def measure(runtime: Runtime, rounds: int = 5) -> Speed:
    """Times one image, and batches: medians, after a first round."""
    image = np.zeros((1, 32, 32, 3), np.uint8)
    batch = np.zeros((_BATCH_SIZE, 32, 32, 3), np.uint8)
    seconds = [
        [_seconds(runtime, images) for images in (image, batch)]
        for _ in range(1 + rounds)
    ]
    single, of_batch = np.median(seconds[1:], axis=0)
    return Speed(runtime.name, 1e3 * single, _BATCH_SIZE / of_batch)


def _seconds(runtime: Runtime, images: np.ndarray) -> float:
    start = time.perf_counter()
    runtime.predict(images)
    return time.perf_counter() - start

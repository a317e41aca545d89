"""How fast models answer one image, and many."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cifar10_tf.system.progress_lines import ProgressLines

BATCH_SIZE = 256

# Calls without the clock, then turns, in each of which a model is called so
# many times.
_WARM_UP = 2
_SINGLE, _BATCH = (10, 10), (7, 1)


def measure(
    models: Mapping[str, Callable[[np.ndarray], Any]],
    images: np.ndarray,
    *,
    batch_size: int = BATCH_SIZE,
) -> dict[str, dict]:
    """Measures models in turn, since a machine is not always as fast.

    Args:
        models: by name; each takes images and returns when it is done.
        images: uint8 [num_images, 32, 32, 3].
        batch_size: of the batches.

    Returns:
        By name, `latency_ms` of one image, and `images_per_sec` in batches:
        median, min, max and n, the number of calls.
    """
    total = len(models) * (_SINGLE[0] + _BATCH[0])
    with ProgressLines("Speed measured", total) as progress:
        image, batch = _exactly(images, 1), _exactly(images, batch_size)
        of_image = _time(models, image, *_SINGLE, progress)
        of_batch = _time(models, batch, *_BATCH, progress)
    return {
        name: {
            "latency_ms": _spread(1000 * np.array(of_image[name])),
            "images_per_sec": _spread(batch_size / np.array(of_batch[name])),
        }
        for name in models
    }


def _exactly(images: np.ndarray, num_images: int) -> np.ndarray:
    return np.resize(images, (num_images, *images.shape[1:]))


def _time(
    models: Mapping[str, Callable[[np.ndarray], Any]],
    images: np.ndarray,
    num_turns: int,
    num_calls: int,
    progress: ProgressLines,
) -> dict[str, list[float]]:
    seconds = {name: [] for name in models}
    for turn in range(num_turns):
        for name, model in models.items():
            # The model before it may have left threads that wait busily.
            for _ in range(_WARM_UP if turn == 0 else 1):
                model(images)
            for _ in range(num_calls):
                start = time.perf_counter()
                model(images)
                seconds[name].append(time.perf_counter() - start)
            progress.advance()
    return seconds


def _spread(values: np.ndarray) -> dict[str, float]:
    return {
        "median": float(np.median(values)),
        "min": float(values.min()),
        "max": float(values.max()),
        "n": len(values),
    }

"""The machine and the versions that choices and figures depend on."""

import contextlib
import importlib.metadata
import logging
import os
import pathlib
import platform
import shutil
import time
from collections.abc import Iterator

import psutil

import cifar10_tf

_log = logging.getLogger(__name__)


def versions() -> dict[str, str]:
    """Returns the versions of what decides speed and results."""
    import keras
    import numpy as np
    import tensorflow as tf

    return {
        "cifar10_tf": cifar10_tf.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tensorflow-datasets": _tfds_version(),
        "numpy": np.__version__,
    }


def _tfds_version() -> str:
    try:
        # The import takes 0.1 to 0.6 s; decoded data don't need it.
        return importlib.metadata.version("tensorflow-datasets")
    except importlib.metadata.PackageNotFoundError:  # tfds-nightly, a checkout
        import tensorflow_datasets as tfds

        return tfds.__version__


def hardware() -> dict:
    """Describes the CPU, the memory and the GPUs that are used."""
    notable = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}
    return {
        "cpu": _cpu_field("model name") or platform.processor(),
        "num_cpus": num_cpus(),
        "cpu_features": sorted(cpu_flags() & notable),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": gpus(),
    }


def num_cpus() -> int:
    """Returns how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_flags() -> set[str]:
    """Returns the CPU's features as Linux names them; none elsewhere."""
    return set(_cpu_field("flags").split())


def _cpu_field(name: str) -> str:
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def start_tensorflow() -> None:
    """Imports TensorFlow, quietly, and lets a GPU's memory grow with its use.

    Of several GPUs it is the first alone that is used. Before its log is set
    up, TensorFlow writes six lines to stderr that no variable turns off, among
    them an error wherever there is no NVIDIA driver. Does nothing the second
    time.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _silenced_stderr():
        import tensorflow as tf

        gpus = tf.config.get_visible_devices("GPU")
        for gpu in gpus[:1]:
            # All of the memory at once would starve whatever shares the GPU.
            tf.config.experimental.set_memory_growth(gpu, True)
    if len(gpus) > 1:
        # TensorFlow would take memory of the others, too, and use none of them.
        tf.config.set_visible_devices(gpus[0], "GPU")
        _log.info(
            "Of %d GPUs the first is used; CUDA_VISIBLE_DEVICES chooses.",
            len(gpus),
        )


@contextlib.contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Silences what native code writes to stderr; exceptions still pass."""
    saved = os.dup(2)
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def gpus() -> list[dict]:
    """Returns name and compute capability (major, minor) of each GPU in use.

    A GPU that is not NVIDIA's has the capability (0, 0).
    """
    import tensorflow as tf

    details = [
        tf.config.experimental.get_device_details(device)
        for device in tf.config.get_visible_devices("GPU")
    ]
    return [
        {
            "name": d.get("device_name", "unknown GPU"),
            "compute_capability": tuple(d.get("compute_capability", (0, 0))),
        }
        for d in details
    ]


def process_sec() -> float:
    """Returns the wall-clock seconds since this process started."""
    try:
        # psutil's create_time is off by up to a second: it adds to the boot
        # time, which Linux gives in whole seconds.
        stat = pathlib.Path("/proc/self/stat").read_text("utf-8")
        start_ticks = int(stat.rpartition(")")[2].split()[19])
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return now - start_ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        return time.time() - psutil.Process().create_time()


def has_nvidia_driver() -> bool:
    """Tells whether NVIDIA's driver is installed."""
    return shutil.which("nvidia-smi") is not None


def why_no_gpu() -> str:
    """Says why TensorFlow sees no GPU."""
    import tensorflow as tf

    if not has_nvidia_driver():
        return "no NVIDIA driver on this machine"
    if not tf.test.is_built_with_cuda():
        return "this TensorFlow is built without CUDA"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides it"
    return "CUDA libraries are missing: pip install 'tensorflow[and-cuda]'"

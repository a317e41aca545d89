"""The hardware and the versions that choices and figures depend on."""

import contextlib
import importlib.metadata
import os
import pathlib
import platform
import re
from collections.abc import Iterator

import psutil

from cifar10_tf.system.version import VERSION

# By controller, where Linux has its groups, and what tells quota and period.
_CPU_CGROUPS = {
    "": ("sys/fs/cgroup", "cpu.max"),  # version 2, which has one hierarchy
    "cpu": ("sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
}


def versions() -> dict[str, str]:
    """Returns the versions of what decides speed and results."""
    import keras
    import numpy as np
    import tensorflow as tf

    return {
        "cifar10_tf": VERSION,
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
        "cpu_quota": cpu_quota(),
        "cpu_features": sorted(cpu_flags() & notable),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": gpus(),
    }


def num_cpus() -> int:
    """Returns how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(root: pathlib.Path = pathlib.Path("/")) -> float | None:
    """Returns how many CPUs' time a container may use; None: any.

    The lowest quota of this process's control group and those above it.
    """
    quotas = []
    for directory, files in _cpu_cgroups(root):
        # Without a quota: no such file, or "max".
        with contextlib.suppress(OSError, ValueError):
            texts = [(directory / name).read_text() for name in files]
            quota, period = map(int, " ".join(texts).split())
            if quota > 0:  # -1, in version 1: none
                quotas.append(round(quota / period, 2))
    return min(quotas, default=None)


def _cpu_cgroups(
    root: pathlib.Path,
) -> Iterator[tuple[pathlib.Path, tuple[str, ...]]]:
    """Lists the directories that may limit this process, with their files."""
    try:
        text = (root / "proc/self/cgroup").read_text("utf-8")
    except OSError:  # not Linux
        return
    for controllers, group in re.findall(r"^\d+:(.*?):/(.*)$", text, re.M):
        for name in _CPU_CGROUPS.keys() & controllers.split(","):
            mount, *files = _CPU_CGROUPS[name]
            directory = root / mount / group
            for parent in (directory, *directory.parents):
                yield parent, tuple(files)


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

"""Show versions, hardware, the precision they favour and the data found."""

from cifar10_tf.cli import flags
from cifar10_tf.datasets import names
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.system import (
    cluster,
    gpu_diagnosis,
    inventory,
    tensorflow_startup,
)
from cifar10_tf.system.errors import UserError

TAKES = ("dataset", "data_dir")


def run() -> None:
    """Prints a line for each thing that speed and results depend on."""
    config, _ = flags.config_and_options()
    tensorflow_startup.start_tensorflow(num_gpus=None)
    from cifar10_tf.training import precision

    hardware = inventory.hardware()
    quota = hardware["cpu_quota"]
    quota = f" (the container limits them to {quota:g})" if quota else ""
    policy, reason = precision.for_this_machine()
    versions = inventory.versions().items()
    rows = {
        "versions": ", ".join(
            f"{name} {version}" for name, version in versions
        ),
        "CPU": f"{hardware['cpu']}, {hardware['num_cpus']} in use{quota}, "
        f"{' '.join(hardware['cpu_features']) or 'no notable features'}",
        "memory": f"{hardware['memory_gib']} GiB",
        "GPU": "; ".join(
            f"{gpu['name']}, compute capability {gpu['compute_capability']}"
            for gpu in hardware["gpus"]
        )
        or f"none: {gpu_diagnosis.why_no_gpu()}",
        "--devices=auto": _describe_devices(),
        "--mixed_precision": f"{policy}: {reason}",
    }
    for name in dict.fromkeys(["cifar10", "synthetic10", config.dataset]):
        if name != "auto":
            rows[f"--dataset={name}"] = _describe_data(name, config.data_dir)
    for name, value in rows.items():
        print(f"{name + ':':<22} {value}")


def _describe_devices() -> str:
    from cifar10_tf.training.distribution import devices

    try:
        return devices.describe_auto(cluster.from_environment())
    except UserError as error:
        return str(error)


def _describe_data(name: str, data_dir: str) -> str:
    try:
        name = resolve_dataset(name, data_dir)
        directory = names.folder(name) or prepared_files.find(name, data_dir)
    except UserError as error:
        return str(error)
    if directory:
        return f"ready in {directory}"
    if name == "synthetic10":
        return "embedded, drawn when it is first used"
    return f"can be obtained: cifar10-tf prepare --dataset={name}"

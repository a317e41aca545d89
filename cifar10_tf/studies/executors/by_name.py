"""Which executors there are, by the names of --engine."""

from cifar10_tf.studies.executors.executor import Executor
from cifar10_tf.studies.executors.processes import Processes


def make(engine: str, ray_address: str = "") -> Executor:
    """Returns what makes runs.

    Args:
        engine: one of `ENGINES`.
        ray_address: of a Ray cluster; empty: one is started here.
    """
    if engine == "ray":
        from cifar10_tf.studies.executors.ray_cluster import RayCluster

        return RayCluster(ray_address)
    return Processes()

"""Which devices a training is spread over."""

import contextlib
import logging
import os
from contextlib import AbstractContextManager

import keras
import tensorflow as tf

from cifar10_tf.pipeline.parts import Parts
from cifar10_tf.system import interruption
from cifar10_tf.system.cluster import Cluster
from cifar10_tf.system.cluster.peers import Peers
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.distribution.steps import ManyDevices
from cifar10_tf.training.distribution.workers import Workers
from cifar10_tf.training.loop import OneDevice

_log = logging.getLogger(__name__)


class Devices:
    """The devices of this process and of those that train with it.

    Attributes:
        num: of all of them.
        workers: the processes.
        parts: of each batch, for the devices of this process; None where there
            is but one device.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy | None = None,
        peers: Peers | None = None,
    ):
        self._strategy = strategy
        self.workers = Workers(strategy, peers)
        self.num = strategy.num_replicas_in_sync if strategy else 1
        num_here = self.num // self.workers.num
        self.parts = (
            Parts(self.workers.index * num_here, num_here, self.num)
            if strategy
            else None
        )

    def scope(self) -> AbstractContextManager:
        """Returns within what their model is built, changed and trained."""
        if self._strategy is None:
            return contextlib.nullcontext()
        return self._strategy.scope()

    def steps(self, model: keras.Model) -> OneDevice | ManyDevices:
        """Returns the steps of a model that was built in `scope`."""
        if self._strategy is None:
            return OneDevice(model)
        return ManyDevices(model, self._strategy, self.parts, self.workers)


def choose(wanted: str, peers: Peers | None) -> Devices:
    """Returns the devices that a training is to use.

    Comes before anything else that TensorFlow computes.

    Args:
        wanted: how many of this machine's, or "auto" for all of its GPUs; of a
            CPU, which else is one device, so many make one each.
        peers: the processes that train with this one; None: it is alone.

    Raises:
        UserError: there are not so many, or TensorFlow is in use already.
    """
    gpus = tf.config.get_visible_devices("GPU")
    num = max(len(gpus), 1) if wanted == "auto" else int(wanted)
    if gpus and num > len(gpus):
        raise UserError(
            f"--devices={num}, but there are {len(gpus)} GPUs here."
        )
    if peers and not gpus and num > 1:
        raise UserError(
            f"--devices={num} needs GPUs where several workers train together: "
            "leave it out."
        )
    try:
        return _make(gpus[:num], num, peers)
    except RuntimeError as error:
        raise UserError(
            "several devices have to be set up before TensorFlow is used in "
            f"this process: start anew, and train first ({error})."
        ) from error


def describe_auto(cluster: Cluster | None) -> str:
    """Says what `choose` would make of "auto"."""
    num_gpus = len(tf.config.get_visible_devices("GPU"))
    here = {0: "the CPU, as one device", 1: "one GPU"}.get(
        num_gpus, f"{num_gpus} GPUs, which share each batch"
    )
    if not cluster:
        return here
    return (
        f"{here}; worker {cluster.index} of {cluster.size}, which train "
        f"together ({', '.join(cluster.addresses)})"
    )


def _make(gpus: list, num: int, peers: Peers | None) -> Devices:
    if gpus:
        tf.config.set_visible_devices(gpus, "GPU")
    if peers:
        return Devices(_strategy_of(peers), peers)
    if num == 1:
        return Devices()
    if not gpus:
        (cpu,) = tf.config.get_visible_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * num
        )
    kind = "GPU" if gpus else "CPU"
    names = [f"{kind}:{i}" for i in range(num)]
    return Devices(tf.distribute.MirroredStrategy(names))


def _strategy_of(peers: Peers) -> tf.distribute.Strategy:
    cluster = peers.cluster
    _log.info(
        "Worker %d of %d (%s): waiting for the others.",
        cluster.index,
        cluster.size,
        ", ".join(cluster.addresses),
    )
    # As a proxy for the web may be set, which gRPC would take, too.
    hosts = {address.rpartition(":")[0] for address in cluster.addresses}
    os.environ.setdefault("no_grpc_proxy", ",".join(sorted(hosts)))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    try:
        peers.meet()
        with peers.connecting():
            strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except tf.errors.OpError as error:
        raise UserError(
            f"worker {cluster.index} can't join the others at "
            f"{cluster.addresses[cluster.index]}: its port may be taken "
            f"({str(error).splitlines()[0][:200]})."
        ) from error
    interruption.install_again()
    return strategy

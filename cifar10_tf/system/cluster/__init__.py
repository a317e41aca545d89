"""Which processes train together, as the environment says."""

import dataclasses
import json
import os
import re
from collections.abc import Mapping

from cifar10_tf.system.cluster import slurm, tf_config
from cifar10_tf.system.errors import UserError

_ADDRESS = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Processes that train one model together, this one among them.

    Attributes:
        addresses: HOST:PORT of each process, in an order that all agree on.
        index: of this process.

    Raises:
        UserError: an address is malformed or two are the same, or no process
            has the index.
    """

    addresses: tuple[str, ...]
    index: int

    def __post_init__(self):
        for address in self.addresses:
            _check(address)
        if len(set(self.addresses)) < self.size:
            raise UserError(
                "two workers have the same address "
                f"({_first_repeated(self.addresses)}): each needs one of its "
                "own in TF_CONFIG."
            )
        if not 0 <= self.index < self.size:
            raise UserError(
                f"this process is worker {self.index} of {self.size}, which "
                f"are counted from 0 to {self.size - 1}: correct the index in "
                "TF_CONFIG, or the list of workers."
            )

    @property
    def is_chief(self) -> bool:
        """Whether this is the process that writes."""
        return self.index == 0

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self.addresses)

    def tf_config(self) -> str:
        """Returns the cluster as TensorFlow reads it from TF_CONFIG.

        All processes are of type "worker".
        """
        return json.dumps(
            {
                "cluster": {"worker": self.addresses},
                "task": {"type": "worker", "index": self.index},
            }
        )


def from_environment(
    environ: Mapping[str, str] = os.environ,
) -> Cluster | None:
    """Returns the processes that train with this one; None: it is alone.

    TF_CONFIG tells which they are (TFJob and Ray set it, and people do); where
    it is not set, Slurm's variables of a step with several tasks do. TF_CONFIG
    without a cluster ({}) says "alone" even there.

    Raises:
        UserError: what is set can't be understood.
    """
    if text := environ.get("TF_CONFIG", "").strip():
        processes = tf_config.read(text)
    else:
        processes = slurm.read(environ)
    if processes is None:
        return None
    cluster = Cluster(*processes)
    return cluster if cluster.size > 1 else None


def check_alone(what: str) -> None:
    """Checks that this process trains with no other.

    Raises:
        UserError: it does, and so can't do what is said.
    """
    if from_environment():
        raise UserError(
            f"{what} makes its runs one after the other, and several workers "
            "(TF_CONFIG, srun) train one together: choose one of both."
        )


def _check(address: str) -> None:
    match = _ADDRESS.fullmatch(address)
    if not match or not 1 <= int(match[2]) <= 65535:
        raise UserError(
            f"{address[:80]!r} is no address of a worker: HOST:PORT was "
            "expected, as node1:2222; correct it in TF_CONFIG."
        )


def _first_repeated(addresses: tuple[str, ...]) -> str:
    return next(a for i, a in enumerate(addresses) if a in addresses[:i])

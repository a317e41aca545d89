"""Networks between the workers of a training on one machine."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from cifar10_tf.studies.executors.worker_process import free_port

_INTERFACE = "veth0"
_PORT = 2222

# Above the 64 KiB and their headers that Linux hands over in one piece, and
# little beside the megabytes of gradients, which it lets through at once.
_BURST = "100kb"
_LONGEST_QUEUE = "400ms"


class Network(NamedTuple):
    """Where workers are.

    Attributes:
        addresses: HOST:PORT of each.
        under: the command that starts each worker's, on its own host.
        interface: what the workers send through.
        num_sharing: how many workers send through the same one.
    """

    addresses: tuple[str, ...]
    under: tuple[tuple[str, ...], ...]
    interface: str
    num_sharing: int


class NotPermittedError(Exception):
    """The machine does not allow networks to be made."""


@contextlib.contextmanager
def loopback(num_workers: int) -> Iterator[Network]:
    """Gives the machine's own interface, with a free port for each worker."""
    addresses = tuple(
        f"127.0.0.1:{free_port(i, num_workers)}" for i in range(num_workers)
    )
    yield Network(addresses, ((),) * num_workers, "lo", num_workers)


@contextlib.contextmanager
def two_hosts(bits_per_sec: int) -> Iterator[Network]:
    """Makes two network namespaces, joined at a limited rate each way.

    Raises:
        NotPermittedError: this is not Linux, or not its root.
    """
    hosts = [f"benchmark-{os.getpid()}-{i}" for i in range(2)]
    with contextlib.ExitStack() as stack:
        for host in hosts:
            _run("ip", "netns", "add", host)
            stack.callback(_run, "ip", "netns", "del", host)
        ends = "type", "veth", "peer", "name", _INTERFACE, "netns", hosts[1]
        _run("ip", "-n", hosts[0], "link", "add", _INTERFACE, *ends)
        for i, host in enumerate(hosts):
            address = f"10.0.0.{i + 1}/24"
            _run("ip", "-n", host, "addr", "add", address, "dev", _INTERFACE)
            # A worker comes to its own address through lo.
            for name in "lo", _INTERFACE:
                _run("ip", "-n", host, "link", "set", name, "up")
            limit = "tbf", "rate", f"{bits_per_sec}bit", "burst", _BURST
            add = "qdisc", "add", "dev", _INTERFACE, "root", *limit
            _run("tc", "-n", host, *add, "latency", _LONGEST_QUEUE)
        yield Network(
            tuple(f"10.0.0.{i + 1}:{_PORT}" for i in range(2)),
            tuple(("ip", "netns", "exec", host) for host in hosts),
            _INTERFACE,
            num_sharing=1,
        )


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotPermittedError(f"there is no {command[0]}") from error
    except subprocess.CalledProcessError as error:
        raise NotPermittedError(error.stderr.strip()) from error

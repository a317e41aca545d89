"""Slurm's variables of a step with several tasks.

TensorFlow's own SlurmClusterResolver sorts the names of nodes as text, changes
CUDA_VISIBLE_DEVICES and needs GPUs.
"""

import itertools
import re
from collections.abc import Iterator, Mapping

from cifar10_tf.system.errors import UserError

# Below the ports that Linux gives to outgoing connections (from 32768 on).
_FIRST_PORT, _NUM_PORTS = 20000, 10000
# Steps begin at every 16th port: a machine rarely has more GPUs.
_PORTS_PER_STEP = 16
_NUM_SLOTS = _NUM_PORTS // _PORTS_PER_STEP

# node[01-03,7]: text and brackets, which hold numbers and ranges.
_NODES = re.compile(r"(?:[A-Za-z0-9._-]|\[[0-9,-]+\])+")
_PARTS = re.compile(r"\[(.*?)\]|([^\[\]]+)")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
# 2(x3): two tasks on each of three nodes.
_TASKS = re.compile(r"([0-9]{1,5})(?:\(x([0-9]{1,5})\))?")


def read(environ: Mapping[str, str]) -> tuple[tuple[str, ...], int] | None:
    """Returns the addresses of a step's tasks, and the index of this one.

    Ports follow from the numbers of job and step, so that all tasks come to the
    same ones and two jobs on a node hardly ever do. None: this is no task of
    several.

    Raises:
        UserError: a variable is missing or malformed, or they don't agree.
    """
    if environ.get("SLURM_STEP_NUM_TASKS", "") in ("", "1"):
        return None
    num_tasks = _number(environ, "SLURM_STEP_NUM_TASKS", num_digits=5)
    rank = _number(environ, "SLURM_PROCID")
    counts = _counts(environ, num_tasks)
    nodes = _nodes(environ, len(counts))
    places = [
        (node, local)
        for node, count in enumerate(counts)
        for local in range(count)
    ]
    if environ.get("SLURM_DISTRIBUTION", "").startswith("cyclic"):
        places.sort(key=lambda place: place[1])  # a task for each node in turn
    if rank >= num_tasks or places[rank] != _place(environ, places[rank]):
        raise _error(
            "SLURM_PROCID",
            environ,
            f"is not where it was expected among {num_tasks} tasks, given to "
            "the nodes by srun --distribution=block or cyclic",
        )
    first = _first_port(environ)
    ports = [_FIRST_PORT + (first + local) % _NUM_PORTS for _, local in places]
    addresses = (
        f"{nodes[node]}:{port}"
        for (node, _), port in zip(places, ports, strict=True)
    )
    return tuple(addresses), rank


def _first_port(environ: Mapping[str, str]) -> int:
    job = _number(environ, "SLURM_JOB_ID")
    step = _number(environ, "SLURM_STEP_ID")
    # By the golden section, jobs that start one after another are far apart.
    slot = (round(0.618 * _NUM_SLOTS) * job + step) % _NUM_SLOTS
    return slot * _PORTS_PER_STEP


def _place(
    environ: Mapping[str, str], expected: tuple[int, int]
) -> tuple[int, int]:
    """Returns the node and the number on it that Slurm has given this task."""
    return tuple(
        _number(environ, name) if environ.get(name) else number
        for name, number in zip(
            ("SLURM_NODEID", "SLURM_LOCALID"), expected, strict=True
        )
    )


def _counts(environ: Mapping[str, str], num_tasks: int) -> list[int]:
    """Returns how many tasks each node has: 2(x3),1 -> [2, 2, 2, 1]."""
    name = "SLURM_STEP_TASKS_PER_NODE"
    counts = []
    for part in environ.get(name, "").split(","):
        match = _TASKS.fullmatch(part)
        if not match:
            raise _error(name, environ, "is not like 2(x3),1")
        counts += [int(match[1])] * int(match[2] or 1)
    if sum(counts) != num_tasks:
        raise _error(name, environ, f"does not come to {num_tasks} tasks")
    return counts


def _nodes(environ: Mapping[str, str], num_nodes: int) -> list[str]:
    """Returns the nodes' names: gpu[01-02],login -> gpu01, gpu02, login."""
    name = "SLURM_STEP_NODELIST"
    text = environ.get(name, "")
    nodes = []
    try:
        if ",".join(_NODES.findall(text)) != text:
            raise ValueError("it has other characters")
        for item in _NODES.findall(text):
            parts = [
                list(_numbers(ranges, num_nodes)) if ranges else [letters]
                for ranges, letters in _PARTS.findall(item)
            ]
            some = itertools.islice(itertools.product(*parts), num_nodes + 1)
            nodes += map("".join, some)
    except ValueError:
        raise _error(name, environ, "is not like gpu[01-03,7],login") from None
    if len(nodes) != num_nodes:
        raise _error(
            name,
            environ,
            "names more or fewer nodes than SLURM_STEP_TASKS_PER_NODE has "
            f"({num_nodes})",
        )
    return nodes


def _numbers(ranges: str, most: int) -> Iterator[str]:
    """Lists what is in brackets, or `most` + 1 of it: 01-03,7 -> 01 02 03 7."""
    for text in ranges.split(","):
        match = _RANGE.fullmatch(text)
        if not match or int(match[1]) > int(match[2] or match[1]):
            raise ValueError(f"{text!r} is no range")
        numbers = range(int(match[1]), int(match[2] or match[1]) + 1)
        for number in numbers[: most + 1]:
            yield f"{number:0{len(match[1])}}"


def _number(environ: Mapping[str, str], name: str, num_digits: int = 10) -> int:
    text = environ.get(name, "")
    if not re.fullmatch(f"[0-9]{{1,{num_digits}}}", text):
        raise _error(name, environ, "is no such number as srun sets")
    return int(text)


def _error(name: str, environ: Mapping[str, str], what: str) -> UserError:
    text = environ.get(name)
    value = "is not set" if text is None else f"({text[:60]!r}) {what}"
    return UserError(
        f"Slurm's variable {name} {value}: start the tasks with srun, or set "
        "TF_CONFIG ({} for a process that trains alone)."
    )

"""The variable TF_CONFIG, as TFJob and Ray set it, and people by hand."""

import json

from cifar10_tf.system.errors import UserError

_EXAMPLE = (
    '{"cluster": {"worker": ["node1:2222", "node2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def read(text: str) -> tuple[tuple[str, ...], int] | None:
    """Returns the addresses of all processes, and the index of this one.

    The chief, where there is one, comes first, the workers after it. None:
    there is no cluster.

    Raises:
        UserError: it is not what TensorFlow documents, or has processes that do
            not train ("ps", "evaluator").
    """
    config = _json_object(text)
    if "sparseCluster" in config:  # without "cluster", each would train alone
        raise _error(
            "has a sparseCluster, as of TFJob's enableDynamicWorker, but the "
            "number of workers is fixed"
        )
    cluster = config.get("cluster") or {}
    if not isinstance(cluster, dict):
        raise _error("has a cluster that is no JSON object")
    if not cluster:
        return None
    if others := sorted(cluster.keys() - {"chief", "worker"}):
        raise _error(
            f"has a cluster with {_quote(others[0])}, but all processes train, "
            'as "worker" or "chief"'
        )
    chiefs, workers = (_addresses(cluster, t) for t in ("chief", "worker"))
    if len(chiefs) > 1:
        raise _error(f"has {len(chiefs)} chiefs where one was expected")
    kind, index = _task(config)
    if index >= len(workers if kind == "worker" else chiefs):
        raise _error(f"makes this process {kind} {index}, which is not listed")
    if kind == "worker":
        index += len(chiefs)
    return (*chiefs, *workers), index


def _json_object(text: str) -> dict:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _error(f"is no JSON object ({_quote(text)})")
    return value


def _addresses(cluster: dict, kind: str) -> list[str]:
    addresses = cluster.get(kind, [])
    is_list = isinstance(addresses, list)
    if not is_list or not all(isinstance(a, str) for a in addresses):
        raise _error(
            f"has {_quote(addresses)} as its {kind}, where a list of addresses "
            "was expected"
        )
    return addresses


def _task(config: dict) -> tuple[str, int]:
    task = config.get("task")
    if not isinstance(task, dict):
        raise _error('has no "task" that says which process this is')
    kind, index = task.get("type"), task.get("index")
    if kind not in ("chief", "worker"):
        raise _error(
            f"makes this process a task of type {_quote(kind)}, but all "
            'processes train, as "worker" or "chief"'
        )
    text = str(index)  # TensorFlow takes "0" for 0
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or isinstance(index, bool):
        raise _error(
            f"has the task index {_quote(index)} where a number was expected"
        )
    return kind, int(text)


def _error(what: str) -> UserError:
    return UserError(
        f"TF_CONFIG {what}: correct it after the pattern {_EXAMPLE}, or unset "
        "it to train with this process alone."
    )


def _quote(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

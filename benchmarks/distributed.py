"""Times one training on several cores, as several devices, against one.

    python benchmarks/distributed.py [--quick] [--output=FILE.json]
        [--dataset=auto]

The dropout model at batch 512, in float32 and in the precision that this CPU
gains from, trained in turn on the same cores (all, or the first four):

- one process on all of them;
- a process for each, pinned to it, which exchange gradients over loopback;
- one process with a virtual device for each.

Prints images per second, from the runs' summaries, and the ratios to one
process within each round.

Then what the steps of such processes are made of, in float32, over loopback
and, where this is Linux and its root, of two processes in network namespaces
that are joined at a limited rate:

- step_ms: a whole step, without the input;
- computing_ms: the same part of the batch without an exchange, on all cores at
  once; computing_alone_ms: on one core, while the others wait;
- exchange_ms: the sum of the gradients alone, begun by all together;
- waiting_ms: what is left of the step: for the slowest, and for the few figures
  that are exchanged besides;
- sent_mb: what each process sends in a step, counted by its network interface,
  with all headers. Over loopback whatever else the machine sends there counts.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from harness import networks
from harness.clone import REPOSITORY
from harness.fresh_process import start, wait_for_all
from harness.networks import Network
from harness.report import parser, ratios, report, row
from harness.subjects import turns

from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.settings.config import make_config
from cifar10_tf.system import inventory
from cifar10_tf.system.cluster import Cluster
from cifar10_tf.training import precision

_MODEL, _BATCH_SIZE = "dropout", 512
_CASE = f"{_MODEL}, {{}}, batch {_BATCH_SIZE}"
_ONE = "1 process"
_MOST_CORES = 4
_RATES = {"100 Mbit/s": 100_000_000, "1 Gbit/s": 1_000_000_000}
_UNITS = {
    "step_ms": "ms",
    "computing_ms": "ms",
    "computing_alone_ms": "ms",
    "exchange_ms": "ms",
    "waiting_ms": "ms",
    "sent_mb": "MB",
}


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    flags = parser(__doc__)
    flags.add_argument("--dataset", default="auto")
    arguments = flags.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:_MOST_CORES]
    if len(cores) < 2:
        sys.exit("error: there is one core, and at least two are needed.")
    dataset = resolve_dataset(arguments.dataset, "")
    # Else a SIGTERM would leave processes and network namespaces behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        rates = _train(cores, dataset, arguments.quick)
        rounds = _steps(cores, arguments.quick)
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: a training ended with {error.returncode}.")
    rows = rows_of_rates(rates) + rows_of_steps(rounds)
    report("distributed", rows, arguments)


def _train(
    cores: list[int], dataset: str, quick: bool
) -> dict[str, dict[str, list[float]]]:
    """Returns images per second, of each precision and each way to train."""
    num_steps, epochs, rounds = (3, 2, 1) if quick else (8, 3, 7)
    policy, _ = precision.choose([], inventory.cpu_flags())
    num, together, each = len(cores), [cores], [[core] for core in cores]
    ways = {
        _ONE: (together, "--devices=1"),
        f"{num} processes": (each, "--devices=1"),
        f"{num} virtual devices": (together, f"--devices={num}"),
    }
    rates = {p: {way: [] for way in ways} for p in ("float32", policy)}
    subjects = [(p, way) for p, of_ways in rates.items() for way in of_ways]
    # Each training warms up by itself: the first counts as any other.
    for number, (policy, way) in turns(subjects, rounds - 1):
        cores_of_processes, devices = ways[way]
        rate = _images_per_sec(
            cores_of_processes,
            devices,
            f"--precision={policy}",
            f"--dataset={dataset}",
            f"--max_train_examples={num_steps * _BATCH_SIZE}",
            f"--epochs={epochs}",
        )
        rates[policy][way].append(rate)
        progress = f"{number + 1}/{rounds} {policy}, {way}: {rate}"
        print(progress, file=sys.stderr)
    return rates


def _images_per_sec(cores_of_processes: list[list[int]], *flags: str) -> float:
    """Returns the rate of a training, of its epochs after the first."""
    num = len(cores_of_processes)
    with (
        tempfile.TemporaryDirectory() as run_dir,
        networks.loopback(num) as network,
    ):
        command = (
            *(sys.executable, "-m", "cifar10_tf.main", "train"),
            *(f"--model={_MODEL}", f"--batch_size={_BATCH_SIZE}"),
            *("--validation_fraction=0", f"--run_dir={run_dir}"),
            *flags,
        )
        processes = [
            subprocess.Popen(
                [*_pinned(cores), *command],
                cwd=REPOSITORY,
                env=_environ(network, index),
                stdout=subprocess.DEVNULL,
            )
            for index, cores in enumerate(cores_of_processes)
        ]
        wait_for_all(processes)
        summary = pathlib.Path(run_dir, "summary.json").read_text("utf-8")
        return json.loads(summary)["images_per_sec"]


def _steps(cores: list[int], quick: bool) -> dict[str, list[dict]]:
    """Returns what rounds of steps have found, by number and network."""
    num_rounds = 5 if quick else 40
    num = len(cores)
    where = {f"{num} processes, loopback": networks.loopback(num)}
    for name, rate in _RATES.items():
        where[f"2 processes, {name}"] = networks.two_hosts(rate)
    found = {}
    for name, making in where.items():
        try:
            with making as network:
                found[name] = rounds_in(network, cores, num_rounds)
        except networks.NotPermittedError as error:
            print(f"{name}: left out; {error}", file=sys.stderr)
        else:
            print(f"{name}: {found[name][-1]}", file=sys.stderr)
    return found


def rounds_in(
    network: Network, cores: list[int], num_rounds: int
) -> list[dict]:
    """Returns what `steps_of_a_worker` finds, of all workers and rounds."""
    config = make_config(model=_MODEL, batch_size=_BATCH_SIZE)
    # There may be more cores than workers.
    pairs = zip(network.under, cores, strict=False)
    processes = [
        start(
            "steps_of_a_worker",
            *(config.to_json(), str(num_rounds), network.interface),
            under=(*under, *_pinned([core])),
            environ=_environ(network, index),
            stdout=subprocess.PIPE,
            text=True,
        )
        for index, (under, core) in enumerate(pairs)
    ]
    wait_for_all(processes)
    rounds = [r for p in processes for r in json.loads(p.stdout.read())]
    for r in rounds:
        r["waiting_ms"] = r["step_ms"] - r["computing_ms"] - r["exchange_ms"]
        r["sent_mb"] = r.pop("sent_bytes") / network.num_sharing / 1e6
    return rounds


def _pinned(cores: list[int]) -> tuple[str, ...]:
    return "taskset", "--cpu-list", ",".join(map(str, cores))


def _environ(network: Network, index: int) -> dict[str, str]:
    """Returns the environment of a worker, to which a CPU is all there is."""
    tf_config = Cluster(network.addresses, index).tf_config()
    return {**os.environ, "TF_CONFIG": tf_config, "CUDA_VISIBLE_DEVICES": "-1"}


def rows_of_rates(rates: dict[str, dict[str, list[float]]]) -> list[dict]:
    """Returns the results of `_train`, and ratios of the same round."""
    rows = []
    for policy, by_way in rates.items():
        case = _CASE.format(policy)
        for way, values in by_way.items():
            rows.append(
                row(
                    f"{case}, {way}",
                    "cifar10_tf",
                    "images_per_sec",
                    "images/s",
                    values,
                )
            )
        for way, values in by_way.items():
            if way != _ONE:
                name = f"{case}: {way} / {_ONE}"
                shares = ratios(values, by_way[_ONE])
                rows.append(row(name, "cifar10_tf", "ratio", "1", shares))
    return rows


def rows_of_steps(found: dict[str, list[dict]]) -> list[dict]:
    """Returns the results of `_steps`."""
    return [
        row(
            f"{_CASE.format('float32')}, {name}",
            "cifar10_tf",
            metric,
            unit,
            [r[metric] for r in rounds if r[metric] is not None],
        )
        for name, rounds in found.items()
        for metric, unit in _UNITS.items()
    ]


if __name__ == "__main__":
    main()

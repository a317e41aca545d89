"""Writes the tables of scaling.md anew.

    python docs/scaling.py [--count]

A table stands between `<!-- NAME -->` and `<!-- end -->`. What it says follows
from the sizes of the models, from train_flops.json beside this file, from
train_step.json and distributed.json in `benchmarks/results/` and from the
assumptions below. --count builds every model first and writes train_flops.json
anew.
"""

import dataclasses
import json
import math
import pathlib
import re
import sys

from cifar10_tf.settings.config import make_config
from cifar10_tf.settings.models import MODELS

_HERE = pathlib.Path(__file__).absolute().parent
_BENCHMARKS = _HERE.parent / "benchmarks"
_DOCUMENT = _HERE / "scaling.md"
_FLOPS = _HERE / "train_flops.json"

_NUM_DEVICES = 8

# The share of a GPU's peak that convolutions of such networks reach: 0.36 PFLOP
# in 3.83 s on an A100, github.com/KellerJordan/cifar10-airbench.
_SHARE_OF_PEAK = 0.3
# A step starts some 200 kernels or more, at 5 microseconds each.
_LEAST_GPU_SEC = 0.001
_MEASURED = "float32, batch 256"
# Whose share of a matrix product's rate those take that are not measured.
_LIKE = "resnet20"


@dataclasses.dataclass(frozen=True)
class Network:
    """A network's rate each way, and where the figure is from."""

    bytes_per_sec: float
    source: str


@dataclasses.dataclass(frozen=True)
class Gpu:
    """A GPU's peak with 16 bits, and where the figure is from."""

    peak_flops_per_sec: float
    source: str


NETWORKS = {
    "10 GbE": Network(10e9 / 8, "IEEE 802.3ae: 10 Gb/s each way"),
    "100 Gb": Network(100e9 / 8, "IEEE 802.3ba: 100 Gb/s each way"),
    "NVLink": Network(300e9, "NVIDIA A100 datasheet: 600 GB/s both ways"),
}
GPUS = {
    "T4": Gpu(65e12, "NVIDIA T4 datasheet: 65 TFLOPS in float16"),
    "A100": Gpu(312e12, "NVIDIA A100 datasheet: 312 TFLOPS in bfloat16"),
}
# Bytes a second, of the networks that distributed.py measures on.
_MEASURED_ON = {
    "loopback": math.inf,
    "100 Mbit/s": 100e6 / 8,
    "1 Gbit/s": 1e9 / 8,
}
_CHECKED = {
    "ratio": "images/s, ratio",
    "sent_mb": "MB sent by each",
    "exchange_ms": "exchange, ms",
    "computing_ms": "computing, ms",
    "waiting_ms": "waiting, ms",
    "step_ms": "step, ms",
}
# Where such devices are found.
_PAIRS = (
    ("two cores", "10 GbE"),
    ("T4", "10 GbE"),
    ("T4", "100 Gb"),
    ("A100", "100 Gb"),
    ("A100", "NVLink"),
)


def gradient_bytes(model: str) -> int:
    """Returns the bytes of a network's gradients, float32."""
    return 4 * MODELS[model].num_params


def bytes_sent(model: str, num_devices: int) -> float:
    """Returns what each device sends, and receives, in a ring's all-reduce."""
    return 2 * (num_devices - 1) / num_devices * gradient_bytes(model)


def exchange_sec(model: str, num_devices: int, network: str) -> float:
    """Returns the time of an all-reduce of gradients, latency left out."""
    rate = NETWORKS[network].bytes_per_sec
    return bytes_sent(model, num_devices) / rate


def step_sec(model: str, device: str) -> float:
    """Returns the time of a step of the recipe's batch on one device."""
    flops = _read(_FLOPS)[model]
    if device in GPUS:
        rate = GPUS[device].peak_flops_per_sec * _SHARE_OF_PEAK
        images_per_sec = rate / flops
    elif _is_measured(model):
        images_per_sec = _median(f"{model}, {_MEASURED}", "images_per_sec")
    else:
        peak = _median("matrix product, float32", "gflops_per_sec") * 1e9
        share = _median(f"{_LIKE}, {_MEASURED}", "fraction_of_matmul_peak")
        images_per_sec = share * peak / flops
    return make_config(model=model).batch_size / images_per_sec


def speedup(step: float, exchange: float, num_devices: int) -> float:
    """Returns how many times as fast devices are that share out a step.

    The exchange begins when all gradients are there.
    """
    return step / (step / num_devices + exchange)


def with_tables(text: str) -> str:
    """Returns the document with its tables as they should be."""
    return re.sub(
        rf"(<!-- ({'|'.join(_TABLES)}) -->\n).*?(?=<!-- end)",
        lambda match: match[1] + "\n".join(_TABLES[match[2]]()) + "\n",
        text,
        flags=re.DOTALL,
    )


def _models() -> list[str]:
    """Lists the models that have been counted."""
    return [model for model in MODELS if model in _read(_FLOPS)]


def _assumptions() -> list[str]:
    rows = [
        (name, f"{n.bytes_per_sec / 1e9:g} GB/s each way", n.source)
        for name, n in NETWORKS.items()
    ]
    for name, gpu in GPUS.items():
        rate = gpu.peak_flops_per_sec * _SHARE_OF_PEAK / 1e12
        share = f"{_SHARE_OF_PEAK:.0%} of the peak, see below"
        rows.append((name, f"{rate:.3g} TFLOP/s", f"{share}. {gpu.source}"))
    rows.append(
        (
            "a GPU's step",
            f"{1e3 * _LEAST_GPU_SEC:g} ms or more",
            "it starts some 200 kernels or more, at 5 µs each",
        )
    )
    peak = _median("matrix product, float32", "gflops_per_sec")
    share = _median(f"{_LIKE}, {_MEASURED}", "fraction_of_matmul_peak")
    measured = ", ".join(f"`{m}`" for m in _models() if _is_measured(m))
    rows.append(
        (
            "two cores",
            f"measured: {measured}; the others {share * peak:.0f} GFLOP/s",
            "[train_step](../benchmarks/results/train_step.md), float32; the "
            f"share of a matrix product that `{_LIKE}` reaches",
        )
    )
    return _table(["", "assumed", "why"], "---", rows)


def _exchange() -> list[str]:
    rows = [
        (
            f"`{model}`",
            f"{MODELS[model].num_params:,}",
            _digits(gradient_bytes(model) / 1e6),
            _digits(bytes_sent(model, _NUM_DEVICES) / 1e6),
            *(
                _digits(1e3 * exchange_sec(model, _NUM_DEVICES, network))
                for network in NETWORKS
            ),
        )
        for model in _models()
    ]
    names = ["parameters", "gradients, MB", "sent by each, MB"]
    networks = [f"ms on {network}" for network in NETWORKS]
    return _table(["model", *names, *networks], "---:", rows)


def _steps() -> list[str]:
    devices = ("two cores", *GPUS)
    rows = [
        (
            f"`{model}`",
            f"{make_config(model=model).batch_size}",
            _digits(_read(_FLOPS)[model] / 1e9),
            *(_digits(1e3 * step_sec(model, device)) for device in devices),
        )
        for model in _models()
    ]
    names = ["batch", "GFLOP an image", *(f"ms on {d}" for d in devices)]
    return _table(["model", *names], "---:", rows)


def _speedups() -> list[str]:
    rows = [
        (f"`{model}`", *(_speedup(model, *pair) for pair in _PAIRS))
        for model in _models()
    ]
    names = [f"{device}, {network}" for device, network in _PAIRS]
    return _table(["model", *names], "---:", rows)


def _speedup(model: str, device: str, network: str) -> str:
    step = step_sec(model, device)
    if device in GPUS and step / _NUM_DEVICES < _LEAST_GPU_SEC:
        return "-"
    exchange = exchange_sec(model, _NUM_DEVICES, network)
    value = speedup(step, exchange, _NUM_DEVICES)
    # At least half of what many trainings gain.
    return f"**{value:.1f}**" if value >= _NUM_DEVICES / 2 else f"{value:.1f}"


def _checks() -> list[str]:
    measured = _results("distributed")
    medians = {(r["case"], r["metric"]): r["median"] for r in measured}
    rows = [
        (
            f"{row['case']}: {_CHECKED[row['metric']]}",
            _digits(calculated(row["case"], row["metric"], medians)),
            *(_digits(row[key]) for key in ("median", "min", "max")),
            f"{row['n']}",
        )
        for row in measured
        if row["metric"] in _CHECKED
    ]
    names = ["calculated", "measured", "lowest", "highest", "n"]
    return _table(["", *names], "---:", rows)


def calculated(case: str, metric: str, medians: dict) -> float:
    """Returns what the assumptions make of a row of distributed.json.

    Args:
        medians: of all rows, by case and metric.
    """
    if metric == "ratio":
        return 1.0  # to one process on all of the cores
    match = re.fullmatch(r"(\w+), .*, (\d+) processes, (.*)", case)
    num_bytes = bytes_sent(match[1], int(match[2]))
    computing_ms = medians[case, "computing_alone_ms"]
    exchange_ms = 1e3 * num_bytes / _MEASURED_ON[match[3]]
    return {
        "sent_mb": num_bytes / 1e6,
        "exchange_ms": exchange_ms,
        "computing_ms": computing_ms,
        "waiting_ms": 0.0,
        "step_ms": computing_ms + exchange_ms,
    }[metric]


_TABLES = {
    "assumptions": _assumptions,
    "exchange": _exchange,
    "steps": _steps,
    "speedups": _speedups,
    "checks": _checks,
}


def _table(names: list[str], alignment: str, rows: list[tuple]) -> list[str]:
    alignments = ["---", *[alignment] * (len(names) - 1)]
    return [f"| {' | '.join(row)} |" for row in (names, alignments, *rows)]


def _digits(value: float) -> str:
    """Returns three significant digits, and no powers of ten."""
    return f"{float(f'{value:.3g}'):,.10g}"


def _read(path: pathlib.Path):
    return json.loads(path.read_text("utf-8"))


def _results(benchmark: str) -> list[dict]:
    return _read(_BENCHMARKS / f"results/{benchmark}.json")["rows"]


def _is_measured(model: str) -> bool:
    rows = _results("train_step")
    return any(row["case"] == f"{model}, {_MEASURED}" for row in rows)


def _median(case: str, metric: str) -> float:
    rows = _results("train_step")
    (row,) = (r for r in rows if (r["case"], r["metric"]) == (case, metric))
    return row["median"]


def count_flops() -> dict[str, int]:
    """Builds every model; returns the operations an image in training."""
    sys.path.insert(0, str(_BENCHMARKS))
    from train_step import train_flops

    from cifar10_tf.models.building import build_model

    return {model: train_flops(build_model(model)) for model in MODELS}


def main() -> None:
    """Does what this file's docstring says."""
    if "--count" in sys.argv[1:]:
        text = json.dumps(count_flops(), indent=2) + "\n"
        _FLOPS.write_text(text, "utf-8")
    text = _DOCUMENT.read_text("utf-8")
    _DOCUMENT.write_text(with_tables(text), "utf-8")


if __name__ == "__main__":
    main()

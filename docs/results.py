"""Writes the tables of benchmarks in README.md anew.

    python docs/results.py

A table stands between `<!-- NAME -->` and `<!-- end -->`, and by
`<!-- machine of BENCHMARK -->` where its figures are from. What they say is in
the files of `benchmarks/results/`. What is not there is left out.
"""

import json
import pathlib
import re
from collections.abc import Callable, Mapping

_REPOSITORY = pathlib.Path(__file__).absolute().parents[1]
README = _REPOSITORY / "README.md"
_RESULTS = _REPOSITORY / "benchmarks" / "results"
_DATASET = "CIFAR-10"

# Subjects of time_to_accuracy.py as they are called here, in their order.
_TRAININGS = {
    "original": "original recipe (`dropout`, float32)",
    "speedrun_s": "**`speedrun_s`**",
    "speedrun_m": "**`speedrun_m`**",
    "speedrun_l": "**`speedrun_l`**",
    "torch_speedrun": "published fast recipe, in PyTorch",
    "torch_muon": "Muon recipe tuned for a CPU, in PyTorch",
    "torch_speedrun_m": "recipe of `speedrun_m`, in PyTorch",
}

# Subjects of input_pipeline.py, those that people use today from the fourth on.
_PIPELINES = {
    "cifar10_tf": "**this project**",
    "torch_windows": "(this project's method, in PyTorch)",
    "memcpy": "(copying the bytes of the batch)",
    "torch_batches": "PyTorch, whole batches as in the speedruns",
    "dali": "NVIDIA DALI, on the CPU",
    "grain_loader": "Grain",
    "keras_layers": "Keras preprocessing layers in `tf.data`",
    "tfdata_16_calls": "`tf.data` per example, 16 parallel calls",
    "tfdata_per_example": "`tf.data` per example, as in the tutorials",
    "torch_dataloader": "PyTorch `DataLoader`, torchvision, 2 workers",
}
_BARS = "flip+crop"
_BAR_WIDTH = 20

Rows = list[dict]


def with_tables(text: str, results: Mapping[str, dict] | None = None) -> str:
    """Returns the document with its tables as they should be.

    results: what the JSON of each benchmark has; None: those in the repository.
    """
    if results is None:
        results = {
            path.stem: json.loads(path.read_text("utf-8"))
            for path in _RESULTS.glob("*.json")
        }

    def table(match: re.Match) -> str:
        mark, machine, name = match.groups()
        if machine:
            lines = [_machine(results[machine])]
        else:
            benchmark, lines_of = _TABLES[name]
            lines = lines_of(results[benchmark]["rows"])
        return "\n".join([mark, *lines, ""])

    names = "|".join(_TABLES)
    return re.sub(
        rf"(<!-- (?:machine of (\w+)|({names})) -->)\n.*?(?=<!-- end)",
        table,
        text,
        flags=re.DOTALL,
    )


def _machine(result: dict) -> str:
    hardware = result["hardware"]
    most = max(row["n"] for row in result["rows"])
    return (
        f"Medians (lowest to highest), n up to {most}, on "
        f"{hardware['num_cpus']} cores of {hardware['cpu']}, at commit "
        f"{result['commit'][:7]}; "
        f"[all figures](benchmarks/results/{result['benchmark']}.md)."
    )


def _trainings(rows: Rows) -> list[str]:
    lines = [
        "| | runs | seconds of training | test accuracy, % | with `--tta`, % |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    metrics = {}
    for row in _of_dataset(rows):
        is_ours = row["subject"] == "cifar10_tf"
        name = row["case" if is_ours else "subject"]
        metrics.setdefault(name, {})[row["metric"]] = row
    for name, label in _TRAININGS.items():
        if name not in metrics:
            continue
        found = metrics[name]
        lines.append(
            f"| {label} | {found['train_sec']['n']} "
            f"| {_range(found['train_sec'], _figure)} "
            f"| {_range(found['test_accuracy'], _percent)} "
            f"| {_range(found.get('test_accuracy_tta'), _percent)} |"
        )
        if name == "original":
            lines += map(_until_target, found.values())
    return list(filter(None, lines))


def _until_target(row: dict) -> str | None:
    """Returns the line of when an accuracy was reached, if the row is that."""
    target = row["metric"].partition("train_sec_to_")[2]
    if not target:
        return None
    label = f"the same, until validation first shows {_target(target)}"
    return f"| {label} | {row['n']} | {_range(row, _figure)} |  |  |"


def _comparisons(rows: Rows) -> list[str]:
    lines = [
        "| compared | seeds | seconds, ratio | test accuracy, points |",
        "| --- | ---: | ---: | ---: |",
    ]
    found = {(row["case"], row["metric"]): row for row in _of_dataset(rows)}
    for (case, metric), row in found.items():
        if metric == "ratio":
            difference = found[case, "test_accuracy_difference"]
            lines.append(
                f"| {_compared(case)} | {row['n']} | {_range(row, _figure)} "
                f"| {_range(difference, _points)}{_than(case)} |"
            )
    return lines


def _pipelines(rows: Rows) -> list[str]:
    rates = {
        (row["case"], row["subject"]): row["median"]
        for row in rows
        if row["metric"] == "images_per_sec"
    }
    cases = list(dict.fromkeys(case for case, _ in rates))
    fastest = max(rates[_BARS, name] for c, name in rates if c == _BARS)
    lines = [
        f"| images/s, batches of 512 | {' | '.join(cases)} | |",
        f"| --- |{' ---: |' * len(cases)} --- |",
    ]
    for name, label in _PIPELINES.items():
        found = [rates.get((case, name)) for case in cases]
        if any(found):
            cells = ["" if rate is None else f"{rate:,.0f}" for rate in found]
            share = rates.get((_BARS, name), 0) / fastest
            bar = "█" * round(share * _BAR_WIDTH)
            lines.append(f"| {label} | {' | '.join(cells)} | {bar} |")
    return lines


def _pipeline_ratios(rows: Rows) -> list[str]:
    found = {}
    for row in rows:
        case, _, compared = row["case"].partition(": cifar10_tf / ")
        if compared:
            name = re.sub(r"best peer \(\w+\)", "best", compared)
            found.setdefault(case, {})[name] = row
    lines = [
        f"| this project's rate by that of | {' | '.join(found)} |",
        f"| --- |{' ---: |' * len(found)}",
    ]
    for name in "best", "torch_windows", "tfdata_per_example", "memcpy":
        label = _PIPELINES.get(name, "fastest of what people use").strip("()")
        cells = [_range(case.get(name), _figure) for case in found.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _steps(rows: Rows) -> list[str]:
    metric = "fraction_of_matmul_peak"
    found = {r["case"]: r for r in rows if r["metric"] == metric}
    models = dict.fromkeys(case.partition(",")[0] for case in found)
    lines = [
        "| share of a large matrix product's rate, batches of 256 "
        "| float32 | bfloat16 |",
        "| --- | ---: | ---: |",
    ]
    for model in models:
        cells = [
            _range(found.get(f"{model}, {precision}, batch 256"), _figure)
            for precision in ("float32", "mixed_bfloat16")
        ]
        lines.append(f"| `{model}` | {' | '.join(cells)} |")
    return lines


def _training_loop(rows: Rows) -> list[str]:
    compared = "fit, flip+crop / constant batch"
    labels = {
        (
            f"float32: {compared}",
            "ratio",
        ): "images/s by the bare step's, float32",
        (f"mixed_bfloat16: {compared}", "ratio"): "the same, bfloat16",
        ("fit, flip+crop: mixed_bfloat16 / float32", "ratio"): (
            "images/s in bfloat16 by those in float32"
        ),
        (
            "start, cifar10",
            "first_step_sec",
        ): "seconds until the first step ends",
        ("start, cifar10", "peak_rss_mib"): "memory until then, MiB",
    }
    return _labelled(rows, labels, "`dropout`, batches of 256")


def _guarantees(rows: Rows) -> list[str]:
    case = f"dropout, 137 steps, {_DATASET}"
    labels = {
        (f"{case}, saved / bare", "sec_ratio"): "with checkpoints",
        (f"{case}, deterministic / bare", "sec_ratio"): (
            "with `--deterministic`"
        ),
    }
    header = "seconds of an epoch of `dropout`, by those without"
    return _labelled(rows, labels, header)


def _labelled(
    rows: Rows, labels: Mapping[tuple[str, str], str], header: str
) -> list[str]:
    """Returns a line for each label; `labels` has them by case and metric."""
    found = {(row["case"], row["metric"]): row for row in rows}
    return [f"| {header} | |", "| --- | ---: |"] + [
        f"| {label} | {_range(found[key], _figure)} |"
        for key, label in labels.items()
        if key in found
    ]


_TABLES: dict[str, tuple[str, Callable[[Rows], list[str]]]] = {
    "trainings": ("time_to_accuracy", _trainings),
    "comparisons": ("time_to_accuracy", _comparisons),
    "pipelines": ("input_pipeline", _pipelines),
    "pipeline ratios": ("input_pipeline", _pipeline_ratios),
    "steps": ("train_step", _steps),
    "training loop": ("end_to_end", _training_loop),
    "guarantees": ("guarantees", _guarantees),
}


def _of_dataset(rows: Rows) -> Rows:
    end = f", {_DATASET}"
    return [
        row | {"case": row["case"].removesuffix(end)}
        for row in rows
        if row["case"].endswith(end)
    ]


def _compared(case: str) -> str:
    slow, fast = case.split(" / ")
    slow, _, target = slow.partition(" to ")
    until = f" until {_target(target)}" if target else ""
    return f"{_TRAININGS[slow]}{until} / {_TRAININGS[fast]}".replace("*", "")


def _than(case: str) -> str:
    """Returns what an accuracy is compared with, if not with a peer's."""
    target = case.split(" / ")[0].partition(" to ")[2]
    return f" against {_target(target)}" if target else ""


def _target(accuracy: str) -> str:
    return f"{100 * float(accuracy):.3g} %"


def _range(row: dict | None, text: Callable[[float], str]) -> str:
    """Returns the median, and the lowest and the highest of several."""
    if row is None:
        return ""
    median, lowest, highest = (text(row[k]) for k in ("median", "min", "max"))
    return f"{median} ({lowest} to {highest})" if row["n"] > 1 else median


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def main() -> None:
    """Does what this file's docstring says."""
    README.write_text(with_tables(README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()

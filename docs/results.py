"""Writes the tables of whole trainings in README.md anew.

    python docs/results.py

A table stands between `<!-- trainings -->` or `<!-- comparisons -->` and
`<!-- end -->`. What it says is in time_to_accuracy.json in
`benchmarks/results/`: medians, lowest and highest. Trainings that are not there
are left out.
"""

import json
import pathlib
import re

_REPOSITORY = pathlib.Path(__file__).absolute().parents[1]
README = _REPOSITORY / "README.md"
_RESULTS = _REPOSITORY / "benchmarks" / "results" / "time_to_accuracy.json"
_DATASET = "CIFAR-10"

# Subjects of the benchmark as they are called here, in the order of the table.
_NAMES = {
    "original": "original recipe (`dropout`, float32)",
    "speedrun_s": "**`speedrun_s`**",
    "speedrun_m": "**`speedrun_m`**",
    "speedrun_l": "**`speedrun_l`**",
    "torch_speedrun": "published fast recipe, in PyTorch",
    "torch_muon": "Muon recipe tuned for a CPU, in PyTorch",
    "torch_speedrun_m": "recipe of `speedrun_m`, in PyTorch",
}


def with_tables(text: str, rows: list[dict] | None = None) -> str:
    """Returns the document with its tables as they should be.

    rows: of the benchmark's JSON; None: those in the repository.
    """
    if rows is None:
        rows = json.loads(_RESULTS.read_text("utf-8"))["rows"]
    rows = [row for row in rows if row["case"].endswith(f", {_DATASET}")]
    return re.sub(
        rf"(<!-- ({'|'.join(_TABLES)}) -->\n).*?(?=<!-- end)",
        lambda match: match[1] + "\n".join(_TABLES[match[2]](rows)) + "\n",
        text,
        flags=re.DOTALL,
    )


def _trainings(rows: list[dict]) -> list[str]:
    lines = [
        "| | runs | seconds of training | test accuracy, % | with `--tta`, % |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    metrics = {}
    for row in rows:
        name = row["subject"]
        if name == "cifar10_tf":
            name = _case(row)
        metrics.setdefault(name, {})[row["metric"]] = row
    for name, label in _NAMES.items():
        if name not in metrics:
            continue
        found = metrics[name]
        lines.append(
            f"| {label} | {found['train_sec']['n']} "
            f"| {_range(found['train_sec'], _sec)} "
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
    return f"| {label} | {row['n']} | {_range(row, _sec)} |  |  |"


def _comparisons(rows: list[dict]) -> list[str]:
    lines = [
        "| compared | seeds | seconds, ratio | test accuracy, points |",
        "| --- | ---: | ---: | ---: |",
    ]
    found = {(_case(row), row["metric"]): row for row in rows}
    for (case, metric), row in found.items():
        if metric == "ratio":
            difference = found[case, "test_accuracy_difference"]
            lines.append(
                f"| {_compared(case)} | {row['n']} | {_range(row, _ratio)} "
                f"| {_range(difference, _points)}{_than(case)} |"
            )
    return lines


_TABLES = {"trainings": _trainings, "comparisons": _comparisons}


def _case(row: dict) -> str:
    return row["case"].removesuffix(f", {_DATASET}")


def _compared(case: str) -> str:
    slow, fast = case.split(" / ")
    slow, _, target = slow.partition(" to ")
    until = f" until {_target(target)}" if target else ""
    return f"{_NAMES[slow]}{until} / {_NAMES[fast]}".replace("*", "")


def _than(case: str) -> str:
    """Returns what an accuracy is compared with, if not with a peer's."""
    target = case.split(" / ")[0].partition(" to ")[2]
    return f" against {_target(target)}" if target else ""


def _target(accuracy: str) -> str:
    return f"{100 * float(accuracy):.3g} %"


def _range(row: dict | None, text) -> str:
    """Returns the median, and the lowest and the highest of several."""
    if row is None:
        return ""
    median, lowest, highest = (text(row[k]) for k in ("median", "min", "max"))
    return f"{median} ({lowest} to {highest})" if row["n"] > 1 else median


def _sec(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _ratio(value: float) -> str:
    return f"{value:.3g}"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def main() -> None:
    """Does what this file's docstring says."""
    README.write_text(with_tables(README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()

"""What a benchmark leaves behind: JSON, and a table in Markdown."""

import argparse
import importlib.metadata
import json
import pathlib
import shlex
import statistics
import sys
from collections.abc import Iterable, Sequence

from cifar10_tf.system import inventory
from cifar10_tf.system.tensorflow_startup import start_tensorflow
from harness.clone import commit, results_folder

# Before a benchmark imports TensorFlow, which would be noisy.
start_tensorflow()

_BAR_WIDTH = 20


def parser(doc: str) -> argparse.ArgumentParser:
    """Returns a parser of what every benchmark takes: --quick and --output."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument(
        "--output",
        help="JSON file; default: under results/, --quick: under "
        "../runs/benchmarks/",
    )
    return parser


def row(
    case: str, subject: str, metric: str, unit: str, values: Sequence[float]
) -> dict:
    """Returns a result in the form in which it is written."""
    return {
        "case": case,
        "subject": subject,
        "metric": metric,
        "unit": unit,
        "median": _rounded(statistics.median(values)),
        "min": _rounded(min(values)),
        "max": _rounded(max(values)),
        "n": len(values),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def ratios(above: Iterable[float], below: Iterable[float]) -> list[float]:
    """Returns the ratios within each round, of values that came in turn."""
    return [a / b for a, b in zip(above, below, strict=True)]


def report(
    name: str,
    rows: list[dict],
    arguments: argparse.Namespace,
    packages: Sequence[str] = (),
) -> pathlib.Path:
    """Writes the rows as JSON and as Markdown beside it, and prints the latter.

    Args:
        arguments: as `parser` reads them.
        packages: peers whose version belongs in the report.

    Returns:
        The JSON file.
    """
    peers = {p: importlib.metadata.version(p) for p in packages}
    result = {
        "benchmark": name,
        "command": shlex.join(["python", *sys.argv]),
        "commit": commit(),
        "hardware": inventory.hardware(),
        "versions": inventory.versions() | peers,
        "rows": rows,
    }
    path = results_folder(arguments.quick) / f"{name}.json"
    path = pathlib.Path(arguments.output or path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    text = markdown(result)
    path.with_suffix(".md").write_text(text, "utf-8")
    print(text, end="")
    return path


def markdown(result: dict) -> str:
    """Returns a report, as it is in the JSON file, as a section of Markdown.

    The bars are the medians, to scale within one case and metric.
    """
    hardware = result["hardware"]
    gpus = ", ".join(gpu["name"] for gpu in hardware["gpus"]) or "no GPU"
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
    lines = [
        f"# {result['benchmark']}",
        "",
        f"`{result['command']}` at commit {result['commit']}, on "
        f"{hardware['num_cpus']} cores of {hardware['cpu']}, "
        f"{hardware['memory_gib']} GiB, {gpus}; {versions}.",
        "",
        "| case | subject | metric | median | min | max | n | |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [_table_line(r, result["rows"]) for r in result["rows"]]
    return "\n".join(lines) + "\n"


def _table_line(r: dict, rows: list[dict]) -> str:
    medians = [
        other["median"]
        for other in rows
        if (other["case"], other["metric"]) == (r["case"], r["metric"])
    ]
    # A bar says nothing alone.
    bar = _bar(r["median"] / max(medians)) if len(medians) > 1 else ""
    unit = "" if r["unit"] == "1" else f" ({r['unit']})"
    figures = " | ".join(_figure(r[k]) for k in ("median", "min", "max"))
    return (
        f"| {r['case']} | {r['subject']} | {r['metric']}{unit} | {figures} | "
        f"{r['n']} | {bar} |"
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _bar(share: float) -> str:
    eighths = round(share * _BAR_WIDTH * 8)
    last = "▏▎▍▌▋▊▉"[eighths % 8 - 1] if eighths % 8 else ""
    return "█" * (eighths // 8) + last

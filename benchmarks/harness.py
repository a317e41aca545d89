"""What every benchmark shares: turns, medians, the table and the files."""

import argparse
import importlib.metadata
import importlib.util
import json
import pathlib
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from cifar10_tf import machine

# Before a benchmark imports TensorFlow, which would be noisy.
machine.start_tensorflow()

_HERE = pathlib.Path(__file__).absolute().parent
_RESULTS = _HERE / "results"
_QUICK_RESULTS = _HERE.parent / "runs/benchmarks"  # which mean little
_BAR_WIDTH = 20

_Value = TypeVar("_Value")


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


def is_installed(subject: str, packages: Sequence[str]) -> bool:
    """Tells whether a subject has its packages; says so on stderr if not."""
    missing = [p for p in packages if not importlib.util.find_spec(p)]
    if missing:
        print(
            f"{subject}: left out; pip install {' '.join(missing)} to have it",
            file=sys.stderr,
        )
    return not missing


def turns(names: Sequence[str], repeats: int) -> Iterator[tuple[int, str]]:
    """Yields (round, name), every name once a round; round 0 does not count.

    The machines are shared and noisy: only what ran in turn can be compared.
    Every other round goes backwards, so that nobody always comes after the
    same one.
    """
    for number in range(repeats + 1):
        for name in names[:: 1 if number % 2 else -1]:
            yield number, name


def in_turn(
    subjects: dict[str, Callable[[], _Value]],
    repeats: int,
    show: Callable[[_Value], str] = "{:.4g}".format,
) -> dict[str, list[_Value]]:
    """Calls every subject in its turns and returns what counts.

    show: a value as the progress on stderr has it.
    """
    values = {name: [] for name in subjects}
    for number, name in turns(list(subjects), repeats):
        value = subjects[name]()
        if number:
            values[name].append(value)
        print(f"{number}/{repeats} {name}: {show(value)}", file=sys.stderr)
    return values


def row(case: str, subject: str, metric: str, unit: str, values) -> dict:
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
        "hardware": machine.hardware(),
        "versions": machine.versions() | peers,
        "rows": rows,
    }
    directory = _QUICK_RESULTS if arguments.quick else _RESULTS
    path = pathlib.Path(arguments.output or directory / f"{name}.json")
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


def commit() -> str | None:
    """Returns the commit that is checked out; "-dirty" where it is changed."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        # Results that another benchmark has just written don't count.
        changed = _git("status", "--porcelain", "--", ":/", ":!results")
    except (OSError, subprocess.CalledProcessError):  # no git, or no clone
        return None
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    return subprocess.check_output(
        ["git", *arguments],
        text=True,
        cwd=_HERE,
        stderr=subprocess.DEVNULL,
    ).strip()

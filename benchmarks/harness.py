"""What every benchmark shares: turns, medians, the table and the JSON file."""

import argparse
import json
import pathlib
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable

from cifar10_tf import machine

# Before a benchmark imports TensorFlow, which would be noisy.
machine.start_tensorflow()

_RESULTS = pathlib.Path(__file__).parent / "results"


def parse_arguments(doc: str) -> argparse.Namespace:
    """Returns the arguments that every benchmark takes: quick and output."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--output", help="JSON file; default: under results/")
    return parser.parse_args()


def in_turn(
    subjects: dict[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Calls every subject once a round, after a round that does not count.

    The machines are shared and noisy: only what ran in turn can be compared.
    Every other round goes backwards, so that nobody always comes after the
    same one.
    """
    values = {name: [] for name in subjects}
    for number in range(repeats + 1):
        for name in list(subjects)[:: 1 if number % 2 else -1]:
            value = subjects[name]()
            if number:
                values[name].append(value)
            print(f"{number}/{repeats} {name}: {value:.4g}", file=sys.stderr)
    return values


def row(case: str, subject: str, metric: str, unit: str, values) -> dict:
    """Returns a result in the form in which it is written."""
    return {
        "case": case,
        "subject": subject,
        "metric": metric,
        "unit": unit,
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
        "n": len(values),
    }


def report(name: str, rows: list[dict], output: str | None) -> None:
    """Prints the rows as a Markdown table and writes them as JSON."""
    print("| case | subject | metric | median | min | max | n |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for r in rows:
        print(
            f"| {r['case']} | {r['subject']} | {r['metric']} | "
            f"{r['median']:,.4g} | {r['min']:,.4g} | {r['max']:,.4g} | "
            f"{r['n']} |"
        )
    result = {
        "benchmark": name,
        "command": shlex.join(["python", *sys.argv]),
        "commit": _commit(),
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        "rows": rows,
    }
    path = pathlib.Path(output) if output else _RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")


def _commit() -> str | None:
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True,
        text=True,
        cwd=_RESULTS.parent,
    )
    return git.stdout.strip() or None

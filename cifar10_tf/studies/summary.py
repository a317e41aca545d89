"""What the runs of a study say together."""

import shlex
import sys

from cifar10_tf.datasets import names
from cifar10_tf.evaluation.statistics import mean_and_interval
from cifar10_tf.runs.study_directory import METRICS


def summarize(summaries: list[dict]) -> dict:
    """Returns what `study.json` says of two or more runs' summaries."""
    first = summaries[0]
    return {
        "status": "complete",
        "dataset": first["dataset"],
        "model": first["model"],
        "num_runs": len(summaries),
        "seeds": [summary["seed"] for summary in summaries],
        "metrics": {
            name: mean_and_interval([summary[name] for summary in summaries])
            for name in METRICS
            if first.get(name) is not None
        },
        # More than one where runs were made elsewhere, or later.
        "versions": _distinct(summaries, "versions"),
        "hardware": _distinct(summaries, "hardware"),
        "command": shlex.join(["cifar10-tf", *sys.argv[1:]]),
    }


def _distinct(summaries: list[dict], key: str) -> list:
    values = [summary[key] for summary in summaries]
    return [v for i, v in enumerate(values) if v not in values[:i]]


def title(summary: dict) -> str:
    """Returns model, dataset and seeds of a study's summary, in a line."""
    seeds = summary["seeds"]
    return (
        f"{summary['model']} on {names.title(summary['dataset'])}: "
        f"{len(seeds)} runs, seeds {seeds[0]} to {seeds[-1]}"
    )


def table(summary: dict) -> str:
    """Returns a study's summary as lines for a terminal."""
    lines = [
        title(summary),
        f"{'':<24}{'mean':>8}{'std':>8}  {'95 % interval of mean':<23}"
        "min to max",
    ]
    for name, metric in summary["metrics"].items():
        label, spec = METRICS[name]
        mean, std, low, high, least, most = (
            format(value, spec)
            for value in (
                metric["mean"],
                metric["std"],
                *metric["ci95"],
                min(metric["values"]),
                max(metric["values"]),
            )
        )
        # Of two runs Student's is of any size, as -22 % to 50 %.
        is_known = len(metric["values"]) > 2
        interval = f"{low} to {high}" if is_known else "from 3 runs on"
        lines.append(
            f"{label:<24}{mean:>8}{std:>8}  {interval:<23}{least} to {most}"
        )
    return "\n".join(lines)

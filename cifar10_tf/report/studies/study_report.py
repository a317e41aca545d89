"""A study's directory -> `study.html`: what its runs say together."""

import json
import logging
from typing import Any

import numpy as np

from cifar10_tf.datasets import names
from cifar10_tf.report import page, report, svg_charts
from cifar10_tf.report.svg_charts import Chart, Series
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import METRICS, StudyDirectory
from cifar10_tf.system.errors import UserError

_log = logging.getLogger(__name__)


def write(study: StudyDirectory) -> None:
    """Writes the page of a complete study; it links those of its runs.

    Raises:
        UserError: the study is not complete, or damaged, or can't be written.
    """
    summary = _read_summary(study)
    runs = [study.run(seed) for seed in summary["seeds"]]
    shown = {run.path for run in runs}
    others = [run.path.name for run in study.runs() if run.path not in shown]
    if others:
        _log.warning(
            "%s is of the study's %d runs that its command last asked for, "
            "without %s.",
            study.report,
            len(runs),
            ", ".join(others),
        )
    summaries = [run.read_summary() for run in runs]
    machines = [report.machine(of_run) for of_run in summaries]
    page.write(
        study.report,
        "study.html",
        title=f"{summary['model']} on {names.title(summary['dataset'])}, "
        f"{len(runs)} times",
        study=summary,
        accuracy=summary["metrics"]["test_accuracy"],
        metrics=_metrics(summary["metrics"]),
        are_two=len(runs) == 2,  # whose interval may be of any size
        runs=[
            {
                "seed": of_run["seed"],
                "page": run.report.relative_to(study.path).as_posix(),
                "has_page": run.report.exists(),
                "summary": of_run,
            }
            for run, of_run in zip(runs, summaries, strict=True)
        ],
        curves=_curves([run.read_metrics() for run in runs], summary["seeds"]),
        classes=_classes(summaries),
        machine=machines[0],
        are_elsewhere=any(machine != machines[0] for machine in machines),
        settings=list(_settings(runs[0]).items()),
        num_images=summaries[0]["num_test_examples"],
    )


def _read_summary(study: StudyDirectory) -> dict[str, Any]:
    try:
        summary = json.loads(study.summary.read_text("utf-8"))
        if not {"seeds", "metrics", "model", "dataset"} <= summary.keys():
            raise ValueError("something is missing")
    except FileNotFoundError as error:
        raise UserError(
            f"the study in {study.path} is not complete; the command that "
            "began it goes on with it."
        ) from error
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"{study.summary} is damaged; the study's command writes it anew."
        ) from error
    return summary


def _curves(histories: list[list[dict]], seeds: list[int]) -> list[Chart]:
    """Returns the accuracies of all runs by epoch, a line for each."""

    def readout(shown: list[tuple[str, float]]) -> str:
        values = [value for _, value in shown]
        return (
            f"{np.mean(values):.2%} on average, "
            f"{min(values):.2%} to {max(values):.2%}"
        )

    def chart(name: str, title: str) -> Chart:
        series = [
            Series(f"seed {seed}", [row[name] for row in history], style=1)
            for seed, history in zip(seeds, histories, strict=True)
        ]
        return svg_charts.epoch_chart(title, series, readout)

    charts = [chart("accuracy", "Training accuracy by epoch, a line for a run")]
    if histories[0][-1]["val_accuracy"] is not None:
        charts.append(
            chart("val_accuracy", "Validation accuracy by epoch, a line a run")
        )
    return charts


def _metrics(metrics: dict[str, dict]) -> list[tuple[str, ...]]:
    """Returns a row for each: mean, interval, deviation, least and most."""
    rows = []
    for name, metric in metrics.items():
        label, form = METRICS[name]
        values = metric["values"]
        shown = (
            metric["mean"], *metric["ci95"], metric["std"],
            min(values), max(values),
        )  # fmt: skip
        mean, low, high, *others = (format(value, form) for value in shown)
        # That of two runs may be of any size.
        interval = f"{low} to {high}" if len(values) > 2 else "from 3 runs on"
        rows.append((label, mean, interval, *others))
    return rows


def _classes(summaries: list[dict]) -> list[tuple[str, ...]]:
    """Returns mean, least and most of each class's accuracy, lowest first."""
    rows = []
    for name in summaries[0]["per_class_accuracy"]:
        values = [s["per_class_accuracy"][name] for s in summaries]
        if None not in values:
            rows.append((name, np.mean(values), min(values), max(values)))
    rows.sort(key=lambda row: row[1])
    return [(name, *map(page.percent, shares)) for name, *shares in rows]


def _settings(run: RunDirectory) -> dict[str, Any]:
    settings = run.read_config().settings()
    del settings["seed"]
    return settings

"""A sweep's summary -> `sweep.html`: which settings are best, and why so."""

import json
import math
import pathlib
from typing import Any

from cifar10_tf.report import page, svg_charts
from cifar10_tf.report.studies import sweep_text
from cifar10_tf.report.svg_charts import Chart, Series
from cifar10_tf.system.errors import UserError


def write_again(path: pathlib.Path) -> None:
    """Writes the page beside a `sweep.json`, which is at `path`.

    Raises:
        UserError: it is damaged, or the page can't be written.
    """
    try:
        write(path.with_suffix(".html"), json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{path} is damaged; the sweep's command writes it anew."
        ) from error


def write(path: pathlib.Path, sweep: dict[str, Any]) -> None:
    """Writes the page of a sweep; it links those of its runs.

    Args:
        path: of the page, in the directory of the sweep.
        sweep: what `sweep.json` says.

    Raises:
        UserError: it can't be written.
    """
    spec = sweep_text.form(sweep["metric"])
    best, *_ = complete = sweep_text.best_trials(sweep)
    page.write(
        path,
        "sweep.html",
        title=sweep_text.title(sweep),
        sweep=sweep,
        metric=_in_words(sweep["metric"]),
        best=best | {"shown": format(best["value"], spec)},
        interval=sweep_text.interval(best, spec),
        rows=[_row(trial, path.parent, spec) for trial in sweep["trials"]],
        charts=[_history(sweep, spec)]
        + [
            _by_setting(sweep, name, complete, spec) for name in sweep["search"]
        ],
        importances=[
            (name, f"{share:.0%}")
            for name, share in (sweep["importances"] or {}).items()
        ],
        min_for_importance=sweep_text.MIN_FOR_IMPORTANCE,
    )


def _in_words(metric: str) -> str:
    return metric.replace("_", " ")


def _row(
    trial: dict[str, Any], directory: pathlib.Path, spec: str
) -> dict[str, Any]:
    """Returns what the table of trials says of one."""
    value = "-" if trial["value"] is None else format(trial["value"], spec)
    if trial["state"] == "ended early":
        value += f" at epoch {trial['last_epoch']}"
    pages = [f"{run}/report.html" for run in trial["runs"]]
    return {
        "number": trial["number"],
        "state": trial["state"],
        "value": value,
        "interval": sweep_text.interval(trial, spec)
        if trial["values"]
        else "-",
        "settings": list(trial["settings"].values()),
        "runs": [
            (run.rpartition("seed")[2], link if exists else "")
            for run, link in zip(trial["runs"], pages, strict=True)
            for exists in [(directory / link).exists()]
        ],
    }


def _history(sweep: dict[str, Any], spec: str) -> Chart:
    """Returns each trial's metric, and the best so far, by number."""
    choose = max if sweep["is_higher_better"] else min
    values = [
        trial["value"] if trial["state"] == "complete" else None
        for trial in sweep["trials"]
    ]
    best = [
        choose((v for v in values[: i + 1] if v is not None), default=None)
        for i in range(len(values))
    ]

    def readout(i: int) -> str:
        trial = sweep["trials"][i]
        value = "" if values[i] is None else f" {values[i]:{spec}},"
        so_far = "nothing" if best[i] is None else format(best[i], spec)
        return (
            f"trial {trial['number']}: {trial['state']},{value} best so far "
            f"{so_far}"
        )

    return svg_charts.line_chart(
        f"{_in_words(sweep['metric']).capitalize()} by trial",
        [trial["number"] for trial in sweep["trials"]],
        [Series("the best so far", best, 1), Series("each trial", values, 2)],
        readout,
        x_label="trial",
        y_format=_of_ticks(spec),
    )


def _by_setting(
    sweep: dict[str, Any], name: str, trials: list[dict[str, Any]], spec: str
) -> Chart:
    """Returns the metric of complete trials by the value of a setting."""
    choices = sweep["search"][name].split("|")
    if len(choices) > 1:
        place = {value: i for i, value in enumerate(choices)}
        x_ticks = [(i, _cut(value)) for value, i in place.items()]
        axis = name

        def x(value: Any) -> float:
            return place[str(value)]
    else:
        is_log = name in sweep["log_settings"]
        low, high = map(float, sweep["search"][name].split(":")[-2:])
        axis = f"{name}, logarithmic" if is_log else name

        def x(value: Any) -> float:
            return math.log10(value) if is_log else value

        x_ticks = [
            (x(value), f"{value:g}")
            for value in (_log_ticks if is_log else svg_charts.ticks)(low, high)
        ]
    return svg_charts.scatter_chart(
        f"{_in_words(sweep['metric']).capitalize()} by {name}",
        [
            (
                x(trial["settings"][name]),
                trial["value"],
                f"trial {trial['number']}: {name} {trial['settings'][name]}, "
                f"{trial['value']:{spec}}",
            )
            for trial in trials
        ],
        x_label=axis,
        y_format=_of_ticks(spec),
        x_ticks=x_ticks,
    )


def _of_ticks(spec: str) -> str:
    return ".0%" if spec.endswith("%") else "g"


def _cut(text: str) -> str:
    """Returns a text that fits under an axis."""
    return text if len(text) <= 14 else f"{text[:13]}…"


def _log_ticks(low: float, high: float) -> list[float]:
    """Returns 1, 2 and 5 of each power of ten in a range, or else its ends."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) < 4 else (1,)  # or they overlap
    values = [float(f"{m}e{p}") for p in powers for m in factors]
    inside = [value for value in values if low <= value <= high]
    return inside if len(inside) > 1 else [low, high]

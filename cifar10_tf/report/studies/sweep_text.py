"""A sweep's summary as text, for a terminal and for its page."""

from typing import Any

from cifar10_tf.datasets import names

# As of a metric that is a share of images, or a loss in nats.
_FORMS = {"accuracy": ".2%", "loss": ".4f"}

# Complete trials, before it is told how much each setting matters.
MIN_FOR_IMPORTANCE = 10

_NUM_SHOWN = 10


def form(metric: str) -> str:
    """Returns the format of a metric's values."""
    return _FORMS[metric.rpartition("_")[2]]


def describe(settings: dict[str, Any]) -> str:
    """Returns settings as text, as of flags."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def title(summary: dict[str, Any]) -> str:
    """Returns model, dataset, trials and seeds of a sweep, in a line."""
    states = [trial["state"] for trial in summary["trials"]]
    others = [
        f", {states.count(state)} {state}"
        for state in ("ended early", "failed")
        if state in states
    ]
    trials = _count(len(states), "trial")
    runs = _count(len(summary["seeds"]), "run")
    return (
        f"{summary['model'] or 'Several models'} on "
        f"{names.title(summary['dataset'])}: {trials} of {runs}"
        f"{''.join(others)}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}"


def best_trials(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the trials that came to their end, the best first."""
    complete = [t for t in summary["trials"] if t["state"] == "complete"]
    sign = -1 if summary["is_higher_better"] else 1
    return sorted(complete, key=lambda trial: sign * trial["value"])


def interval(trial: dict[str, Any], spec: str) -> str:
    """Returns the interval of a trial's mean as text."""
    if not trial["ci95"]:
        return "from 3 seeds on"
    low, high = trial["ci95"]
    return f"{low:{spec}} to {high:{spec}}"


def table(summary: dict[str, Any]) -> str:
    """Returns a sweep's summary as lines for a terminal."""
    spec = form(summary["metric"])
    metric = summary["metric"].replace("_", " ")
    rows = [
        ("", metric, "95 % interval of mean", *summary["search"]),
        *(
            (
                f"trial{trial['number']}",
                format(trial["value"], spec),
                interval(trial, spec),
                *map(str, trial["settings"].values()),
            )
            for trial in best_trials(summary)[:_NUM_SHOWN]
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join(
        [
            title(summary),
            *lines,
            importance_text(summary["importances"]),
            summary["chosen_by"],
            "To train with the best settings:",
            f"  {summary['winner_command']}",
        ]
    )


def importance_text(importances: dict[str, float] | None) -> str:
    """Returns how much each setting matters."""
    if importances is None:
        return (
            "How much each setting matters is told from "
            f"{MIN_FOR_IMPORTANCE} complete trials on."
        )
    shares = ", ".join(f"{n} {share:.0%}" for n, share in importances.items())
    return f"What decides who is among the best quarter: {shares}"

"""Many runs of one config that differ by their seed, and what they say.

Free of TensorFlow: each run is made by a process of its own, for the memory of
its input pipeline is given back only when a process ends, and so it is the same
to the bit as when it is made alone.
"""

import dataclasses
import math
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys

from cifar10_tf import flags, interruption, plots
from cifar10_tf.config import Config
from cifar10_tf.datasets import names
from cifar10_tf.errors import UserError
from cifar10_tf.files import replacing, write_json
from cifar10_tf.run_directory import RunDirectory

_PROGRAM = [sys.executable, "-m", "cifar10_tf.main"]

# What is reported, where the runs' summaries have it, and how.
_METRICS = {
    "test_accuracy": ("test accuracy", ".2%"),
    "test_accuracy_tta": ("test accuracy with TTA", ".2%"),
    "validation_accuracy": ("validation accuracy", ".2%"),
    "train_sec": ("seconds of training", ".1f"),
    "total_sec": ("seconds in all", ".1f"),
}


# From a signal to the end: longer than the run's own limit.
_LIMIT_SEC = 9.5


def train(config: Config, num_runs: int, *, restart: bool = False) -> dict:
    """Trains with seeds seed, seed + 1 ... and returns the study's summary.

    Each run is an ordinary one, in the directory seedSEED of config.run_dir.
    Runs that are complete are not repeated; the flags of this process are those
    of the others. `study.json` and `study.png` are written when all are there.

    Args:
        config: with a dataset that `datasets.resolve` returned and a run_dir.
        restart: sets earlier runs aside and makes all of them again.

    Raises:
        UserError: a directory can't be used, or a run fails.
        Interrupted: a run was, or the time is over.
    """
    directory = RunDirectory(config.run_dir)
    path = directory.path
    if directory.config.exists():
        raise UserError(
            f"{path} holds a run, not a study of several; choose another "
            "--run_dir."
        )
    configs = [_config_of_run(config, path, i) for i in range(num_runs)]
    # Before hours are spent: all of them can be made.
    is_complete = [_is_complete(config, restart) for config in configs]
    _check_time()
    if restart:  # all of them now: without it, the same command then goes on
        (path / "study.json").unlink(missing_ok=True)
        for config in configs:
            RunDirectory(config.run_dir).set_aside()
    for i, config in enumerate(configs):
        state = ": complete already" if is_complete[i] else ""
        # Flushed: the run's process writes to the same stream.
        print(
            f"Run {i + 1} of {num_runs}, seed {config.seed}{state}", flush=True
        )
        if not is_complete[i] and (status := _call(_command(config))):
            raise _end(config.seed, status)
    runs = [RunDirectory(config.run_dir) for config in configs]
    summary = summarize([run.read_summary() for run in runs])
    figure = plots.study(
        summary["metrics"],
        [run.read_metrics() for run in runs],
        title(summary),
    )
    with replacing(path / "study.png") as aside:
        figure.savefig(aside, dpi=150)
    write_json(path / "study.json", summary)
    return summary


def _config_of_run(config: Config, path: pathlib.Path, i: int) -> Config:
    seed = config.seed + i
    try:
        return dataclasses.replace(
            config, seed=seed, run_dir=str(path / f"seed{seed}")
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def _is_complete(config: Config, restart: bool) -> bool:
    """Tells whether a run is not to be made, and checks that it can be."""
    run = RunDirectory(config.run_dir)
    if restart:
        run.check_replaceable()
        return False
    return run.is_complete(config)


def _check_time() -> None:
    if stop := interruption.due():
        raise stop


def _command(config: Config) -> list[str]:
    """Returns the command that makes a run, or goes on with it.

    Raises:
        Interrupted: there is no time left for it.
    """
    _check_time()
    minutes_left = interruption.minutes_left()
    return [
        *_PROGRAM,
        "train",
        *flags.arguments(
            num_runs=1,
            restart=False,
            # 0 would be no limit.
            max_minutes=0 if minutes_left is None else max(minutes_left, 1e-6),
            # As resolved: what auto stands for may change meanwhile.
            dataset=config.dataset,
            data_dir=config.data_dir,
            seed=config.seed,
            run_dir=config.run_dir,
        ),
    ]


def _call(command: list[str]) -> int:
    """Runs a process and returns its status; a signal's is negative.

    However this one is asked to end, the other is given time to save what it
    has, and does not outlive it, unless this one is killed.
    """
    interruption.limit_sec = _LIMIT_SEC
    interruption.hold()  # until there is somebody to pass a signal on to
    process = subprocess.Popen(command)
    try:
        interruption.release()
        return process.wait()
    finally:
        interruption.hold()  # nothing cuts this short
        # Nothing where it has ended, or got a Ctrl-C at the terminal as well.
        process.terminate()
        process.wait()
        interruption.release()


def _end(seed: int, status: int) -> BaseException:
    if status in interruption.STATUSES:
        return interruption.Interrupted(interruption.STATUSES[status], status)
    return UserError(
        f"the run with seed {seed} ended with {_describe_status(status)}, and "
        "the study with it; train again without --restart to go on from there."
    )


def _describe_status(status: int) -> str:
    if status < 0:
        return f"signal {-status} ({signal.Signals(-status).name})"
    return f"status {status}"


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
            name: statistics_of([summary[name] for summary in summaries])
            for name in _METRICS
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


def statistics_of(values: list[float]) -> dict:
    """Returns mean, sample standard deviation and the mean's 95 % interval.

    The interval is Student's: of the mean over seeds, of values that are about
    normal. It says nothing of another test set.
    """
    mean, std = statistics.mean(values), statistics.stdev(values)
    half = t_quantile(len(values) - 1) * std / math.sqrt(len(values))
    return {
        "mean": mean,
        "std": std,
        "ci95": [mean - half, mean + half],
        "values": values,
    }


def t_quantile(degrees_of_freedom: int, probability: float = 0.95) -> float:
    """Returns the t that |Student's t| is below with a probability.

    By bisection of the exact sums for a whole number of degrees of freedom, in
    Abramowitz and Stegun, "Handbook of mathematical functions", 26.7.3-4.
    """
    low, high = 0.0, math.pi / 2  # of atan(t / sqrt(degrees_of_freedom))
    for _ in range(60):
        middle = (low + high) / 2
        if _t_probability(middle, degrees_of_freedom) < probability:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees_of_freedom) * math.tan(low)


def _t_probability(angle: float, degrees_of_freedom: int) -> float:
    odd = degrees_of_freedom % 2
    cos, total = math.cos(angle), 0.0
    term = cos if odd else 1.0
    for i in range(odd, degrees_of_freedom, 2):
        total += term
        term *= (i + 1) / (i + 2) * cos**2
    total *= math.sin(angle)
    return (angle + total) * 2 / math.pi if odd else total


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
        label, spec = _METRICS[name]
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
        lines.append(
            f"{label:<24}{mean:>8}{std:>8}  {f'{low} to {high}':<23}"
            f"{least} to {most}"
        )
    return "\n".join(lines)

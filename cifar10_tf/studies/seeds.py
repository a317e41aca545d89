"""Runs of one config with several seeds."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

from cifar10_tf.evaluation import plots
from cifar10_tf.report.studies import study_report
from cifar10_tf.runs import changed_images
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.studies.executors.executor import (
    Executor,
    Job,
    check_status,
    check_time,
)
from cifar10_tf.studies.executors.processes import Processes
from cifar10_tf.studies.summary import summarize, title
from cifar10_tf.system.atomic_files import replacing, write_json
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.interruption import Interrupted

_HERE = Processes()


def train(
    config: Config,
    num_runs: int,
    *,
    executor: Executor = _HERE,
    restart: bool = False,
    run_flags: Sequence[str] = (),
) -> dict:
    """Trains with seeds seed, seed + 1 ... and returns the study's summary.

    Each run is an ordinary one, in the directory seedSEED of config.run_dir.
    Runs that are complete are not repeated. `study.json` and `study.png` are
    written when all are there.

    Args:
        config: that `resolve_config` returned for so many runs.
        executor: makes them.
        restart: sets earlier runs aside and makes all of them again.

    Raises:
        UserError: a directory can't be used, or a run fails.
        Interrupted: a run was, or the time is over.
    """
    study = StudyDirectory(config.run_dir)
    study.check()
    configs = [_config_of_run(config, study, i) for i in range(num_runs)]
    # Before hours are spent: all of them can be made.
    runs = [RunDirectory(config.run_dir) for config in configs]
    is_complete = [
        run.needs_no_run(config, restart=restart)
        for run, config in zip(runs, configs, strict=True)
    ]
    check_time()
    changed_images.warn_of_figures(
        [run for run, done in zip(runs, is_complete, strict=True) if done],
        config.dataset,
    )
    if restart:  # all of them now: without it, the same command then goes on
        study.set_aside()  # first: without runs they would be anybody's
        for run in runs:
            run.set_aside()
    try:
        jobs = _jobs(configs, is_complete, run_flags)
        with contextlib.closing(executor.run(jobs)) as ended:
            for job, status in ended:
                check_status(job, status)
        return _summarize(study, runs)
    except Interrupted as stop:
        stop.can_go_on = any(run.is_run() for run in runs)
        raise


def _jobs(
    configs: Sequence[Config],
    is_complete: Sequence[bool],
    run_flags: Sequence[str],
) -> Iterator[Job]:
    """Yields the runs that there are to make, and says what becomes of each."""
    for i, config in enumerate(configs):
        state = ": complete already" if is_complete[i] else ""
        # Flushed: the run's process writes to the same stream.
        print(
            f"Run {i + 1} of {len(configs)}, seed {config.seed}{state}",
            flush=True,
        )
        if not is_complete[i]:
            yield Job(config, run_flags)


def _summarize(study: StudyDirectory, runs: Sequence[RunDirectory]) -> dict:
    summary = summarize([run.read_summary() for run in runs])
    figure = plots.study(
        summary["metrics"],
        [run.read_metrics() for run in runs],
        title(summary),
    )
    with replacing(study.picture) as aside:
        figure.savefig(aside, dpi=150)
    write_json(study.summary, summary)
    study_report.write(study)
    return summary


def _config_of_run(config: Config, study: StudyDirectory, i: int) -> Config:
    seed = config.seed + i
    try:
        return dataclasses.replace(
            config, seed=seed, run_dir=str(study.run(seed).path)
        )
    except ValueError as error:
        raise UserError(str(error)) from error

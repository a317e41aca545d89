"""A sweep: settings are chosen, trained with and compared, until enough are."""

import contextlib
import logging
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import optuna
from optuna.trial import TrialState

from cifar10_tf.report.studies import sweep_report, sweep_text
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.studies.executors.executor import (
    Executor,
    Job,
    check_status,
    check_time,
    describe_status,
)
from cifar10_tf.studies.sweeps import optuna_study, summary
from cifar10_tf.studies.sweeps.plan import Plan
from cifar10_tf.studies.sweeps.sweep_directory import SweepDirectory
from cifar10_tf.studies.sweeps.sweep_trial import SweepTrial
from cifar10_tf.system import interruption
from cifar10_tf.system.atomic_files import write_json
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.interruption import Interrupted

_log = logging.getLogger(__name__)

# So many trials that fail one after the other have a reason in common.
_MAX_FAILURES = 3


def train(
    plan: Plan, *, executor: Executor, run_flags: Sequence[str] = ()
) -> dict[str, Any]:
    """Makes the trials that are missing and returns the sweep's summary.

    Each run is an ordinary one, in trialTRIAL/seedSEED of the directory. A
    sweep that was interrupted, or killed, goes on: trials that were begun have
    the settings that they had, and their runs go on from their checkpoints.
    `sweep.json` and `sweep.html` are written when all are there.

    Args:
        executor: makes the runs.
        run_flags: of each run's process, as "--checkpoint_every_sec=10".

    Raises:
        UserError: the directory can't be used, no trial succeeds, or three in
            a row fail.
        Interrupted: a run was, or the time is over.
    """
    directory = SweepDirectory(plan.path)
    check_time()
    with directory.taken():
        study = optuna_study.open_study(directory, plan)
        _log.info("Sweep directory: %s", directory.path)
        sweep = _Sweep(study, plan, run_flags)
        try:
            with contextlib.closing(executor.run(sweep.jobs())) as ended:
                for job, status in ended:
                    sweep.take(job, status)
        except Interrupted as stop:
            stop.can_go_on = bool(study.get_trials(deepcopy=False))
            raise
        result = summary.summarize(study, plan)
        write_json(directory.summary, result)
        sweep_report.write(directory.report, result)
    return result


class _Sweep:
    """The trials that are under way."""

    def __init__(
        self, study: optuna.Study, plan: Plan, run_flags: Sequence[str]
    ):
        self._study, self._plan, self._run_flags = study, plan, run_flags
        self._trials: dict[str, SweepTrial] = {}  # by the directory of a run
        self._num_failures = 0

    def jobs(self) -> Iterator[Job]:
        """Yields the runs that there are to make."""
        for of_optuna in optuna_study.trials_to_make(self._study, self._plan):
            trial = SweepTrial(of_optuna, self._plan, self._ended)
            tried = sweep_text.describe(of_optuna.params)
            _log.info("trial%d begins: %s", trial.number, tried)
            for config in trial.configs:
                if trial.is_over:
                    break
                if RunDirectory(config.run_dir).is_complete(config):
                    trial.complete_run(config)
                    continue
                self._trials[config.run_dir] = trial
                yield Job(
                    config,
                    self._run_flags,
                    log=f"{config.run_dir}.log",
                    is_hopeless=trial.is_hopeless,
                )

    def take(self, job: Job, status: int) -> None:
        """Takes what became of a run.

        Raises:
            UserError: it can't have to do with the settings of its trial.
            Interrupted: it was.
        """
        trial = self._trials.pop(job.config.run_dir)
        if trial.is_over:
            return
        if status and status not in interruption.STATUSES:
            reason = _reason(job, status)
            # Without a config it has not begun: a mistake of all runs.
            if not RunDirectory(job.config.run_dir).config.exists():
                raise UserError(reason)
            trial.fail(reason)
            return
        check_status(job, status)
        trial.complete_run(job.config)

    def _ended(self, trial: SweepTrial) -> None:
        """Says what became of a trial.

        Raises:
            UserError: it is one of too many that failed.
        """
        metric = self._plan.options.metric
        # Flushed: whoever watches a file or a pipe sees it now.
        print(summary.line(self._study, trial.number, metric), flush=True)
        if trial.reason:
            _log.warning("trial%d failed: %s", trial.number, trial.reason)
        if trial.state != TrialState.FAIL:
            self._num_failures = 0
            return
        self._num_failures += 1
        if self._num_failures == _MAX_FAILURES:
            raise UserError(
                f"{_MAX_FAILURES} trials in a row have failed, the last one in "
                f"{self._plan.path / f'trial{trial.number}'}; narrow --search "
                "down and choose another --run_dir, or run the same command "
                "again to go on."
            )


def _reason(job: Job, status: int) -> str:
    """Returns why a run has failed, by its last words."""
    with contextlib.suppress(OSError, IndexError):
        last = pathlib.Path(job.log).read_text("utf-8").splitlines()[-1]
        if last.startswith("error: "):
            return last.removeprefix("error: ")
    return (
        f"the run in {job.config.run_dir} ended with "
        f"{describe_status(status)}; what it said is in {job.log}."
    )

"""A trial that is being made: its runs, and what Optuna is told of them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna.trial import Trial, TrialState

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.studies.sweeps.plan import Plan
from cifar10_tf.system.errors import UserError

# The name under which the metric of each run stands in Optuna's trial.
VALUES = "values"


class SweepTrial:
    """One choice of settings, and a run for each seed.

    Attributes:
        state: of Optuna's trial.
        reason: why it has failed.
        configs: of the runs.

    Args:
        trial: Optuna's.
        on_end: called with this one when its end has been told.
    """

    def __init__(
        self,
        trial: Trial,
        plan: Plan,
        on_end: Callable[["SweepTrial"], None],
    ):
        self.number = trial.number
        self.configs = plan.configs(trial.number, trial.params)
        self.state, self.reason = TrialState.RUNNING, ""
        self._trial, self._on_end = trial, on_end
        self._column = plan.metric_column
        # The last epoch that has been told may not have been judged.
        frozen = trial.study.get_trials(deepcopy=False)[trial.number]
        self._told = set(frozen.intermediate_values)
        self._judged = max(self._told, default=0) - 1
        self._values: dict[str, float] = {}

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be learnt from its runs."""
        return self.state != TrialState.RUNNING

    def is_hopeless(self) -> bool:
        """Tells whether its runs are to end, by how they do so far."""
        if not self.is_over:
            self._judge(RunDirectory(self.configs[0].run_dir))
        return self.is_over

    def complete_run(self, config: Config) -> None:
        """Takes the result of a run that has come to its end."""
        if self.is_over:
            return
        run = RunDirectory(config.run_dir)
        if config == self.configs[0]:
            # What is ended early is not to depend on how often one looks.
            self._judge(run)
            if self.is_over:
                return
        value = run.read_metrics()[-1][self._column]
        if value is None or not math.isfinite(value):
            self.fail(f"{self._column} of {run.path} is no number.")
            return
        self._values[config.run_dir] = value
        if len(self._values) == len(self.configs):
            self._complete([self._values[c.run_dir] for c in self.configs])

    def fail(self, reason: str) -> None:
        """Gives up on a trial, as a run of it has failed."""
        self.reason = reason
        self._end(TrialState.FAIL)

    def _judge(self, run: RunDirectory) -> None:
        """Tells of the epochs of the first run, and ends it where it is bad."""
        num_epochs = self.configs[0].epochs
        for row in _rows(run):
            epoch, value = row["epoch"], row[self._column]
            if epoch <= self._judged or value is None:
                continue
            if epoch not in self._told:
                self._trial.report(value, epoch)
                self._told.add(epoch)
            self._judged = epoch
            # After the last one there is nothing to save.
            is_last = epoch == num_epochs and len(self.configs) == 1
            if not is_last and self._trial.should_prune():
                self._end(TrialState.PRUNED)
                return

    def _complete(self, values: Sequence[float]) -> None:
        self._trial.set_user_attr(VALUES, list(values))
        self._end(TrialState.COMPLETE, float(np.mean(values)))

    def _end(self, state: TrialState, value: float | None = None) -> None:
        self._trial.study.tell(self._trial, value, state)
        self.state = state
        self._on_end(self)


def _rows(run: RunDirectory) -> list[dict[str, Any]]:
    """Returns the epochs so far of a run that may not have begun."""
    try:
        return run.read_metrics()
    except UserError:  # there is no file, or half a line
        return []

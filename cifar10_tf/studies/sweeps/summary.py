"""What the trials of a sweep say together."""

import re
import shlex
import sys
import warnings
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from cifar10_tf.evaluation.statistics import mean_and_interval
from cifar10_tf.report.studies import sweep_text
from cifar10_tf.studies.sweeps.plan import Plan
from cifar10_tf.studies.sweeps.sweep_trial import VALUES
from cifar10_tf.system.errors import UserError

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "ended early",
    TrialState.FAIL: "failed",
}

# Of fewer, the best quarter is two trials, and says nothing.
_BEST_SHARE = 0.25

CHOSEN_BY = (
    "The test split was not used for choosing. The best of many looks better "
    "than it is: runs with other seeds tell how good its settings are."
)


def summarize(study: optuna.Study, plan: Plan) -> dict[str, Any]:
    """Returns what `sweep.json` says of a study with all its trials.

    Raises:
        UserError: no trial has come to its end.
    """
    trials = study.get_trials()
    try:
        best = study.best_trial
    except ValueError as error:
        raise UserError(
            f"of {len(trials)} trials none has come to its end, and there is "
            "nothing to compare: choose other values, and another --run_dir."
        ) from error
    winner = plan.winner(best.params)
    seeds = [c.seed for c in plan.configs(0, best.params)]
    # A database's address may have a password in it.
    command = re.sub(
        r"(--?storage[= ]'?)\w+://[^'\s]*", r"\1...", shlex.join(sys.argv[1:])
    )
    return {
        "status": "complete",
        "dataset": winner.dataset,
        "model": None if "model" in plan.space else winner.model,
        "metric": plan.options.metric,
        "is_higher_better": plan.is_higher_better,
        "sampler": plan.options.sampler,
        "pruner": plan.options.pruner,
        "search": {name: str(d) for name, d in plan.space.items()},
        "log_settings": [
            name for name, d in plan.space.items() if getattr(d, "is_log", 0)
        ],
        "shared_settings": {
            name: value
            for name, value in winner.settings().items()
            if name in plan.given and name != "seed"
        },
        "seeds": seeds,
        "trials": [_trial(t, [*plan.space], seeds) for t in trials],
        "best": best.number,
        "importances": _importances(study),
        "chosen_by": CHOSEN_BY,
        "winner_command": shlex.join(
            ["cifar10-tf", "train", *winner.to_flags()]
            + ([f"--num_runs={len(seeds)}"] if len(seeds) > 1 else [])
        ),
        "command": f"cifar10-tf {command}",
    }


def _trial(
    trial: FrozenTrial, names: list[str], seeds: list[int]
) -> dict[str, Any]:
    values = trial.user_attrs.get(VALUES)
    many = mean_and_interval(values) if values and len(values) > 1 else {}
    return {
        "number": trial.number,
        "state": _STATES[trial.state],
        "settings": {name: trial.params[name] for name in names},
        # Of one that ended early its last epoch's.
        "value": trial.value,
        "values": values,
        "std": many.get("std"),
        # Of two runs Student's is of any size.
        "ci95": many["ci95"] if values and len(values) > 2 else None,
        "last_epoch": trial.last_step,
        "runs": [f"trial{trial.number}/seed{seed}" for seed in seeds],
    }


def _importances(study: optuna.Study) -> dict[str, float] | None:
    """Returns each setting's share in being among the best quarter, by size."""
    complete = study.get_trials(states=[TrialState.COMPLETE])
    if len(complete) < sweep_text.MIN_FOR_IMPORTANCE:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.PedAnovaImportanceEvaluator(
                target_quantile=_BEST_SHARE
            ),
        )


def line(study: optuna.Study, number: int, metric: str) -> str:
    """Returns what became of a trial, in a line."""
    trial = study.get_trials(deepcopy=False)[number]
    shown = _STATES[trial.state]
    if trial.state == TrialState.COMPLETE:
        shown = format(trial.value, sweep_text.form(metric))
        if study.best_trial.number == number:
            shown += ", the best so far"
    return f"trial{number}: {shown}, {sweep_text.describe(trial.params)}"

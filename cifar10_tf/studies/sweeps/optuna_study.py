"""Where Optuna keeps the trials of a sweep, and how they are asked for."""

import logging
from collections.abc import Iterator

import optuna
from optuna.trial import Trial, TrialState

from cifar10_tf.studies.sweeps.plan import Plan
from cifar10_tf.studies.sweeps.sampler import RepeatableSampler
from cifar10_tf.studies.sweeps.sweep_directory import SweepDirectory
from cifar10_tf.system.errors import UserError

# The name under which what a sweep is stands in Optuna's study.
_IDENTITY = "cifar10_tf"


def open_study(directory: SweepDirectory, plan: Plan) -> optuna.Study:
    """Returns Optuna's study of a sweep, of which there may be trials already.

    Args:
        directory: is taken by this process.

    Raises:
        UserError: the database can't be had, or it is another sweep's.
    """
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        study = optuna.create_study(
            storage=_storage(directory, plan.options.storage),
            # In a database there may be others.
            study_name=str(plan.path) if plan.options.storage else "sweep",
            direction="maximize" if plan.is_higher_better else "minimize",
            sampler=RepeatableSampler(
                plan.options.sampler, plan.space, plan.first_seed
            ),
            pruner=_pruner(plan),
            load_if_exists=True,
        )
    except Exception as error:  # whatever a database's driver raises
        if not plan.options.storage:
            raise
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(
            f"the database of --storage can't be used: {lines[0]}"
        ) from error
    _check_same(study, plan)
    return study


def _storage(
    directory: SweepDirectory, address: str
) -> optuna.storages.BaseStorage:
    if address:
        return optuna.storages.RDBStorage(address)
    directory.mend_journal()
    return optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(directory.journal))
    )


def _pruner(plan: Plan) -> optuna.pruners.BasePruner:
    match plan.options.pruner:
        case "median":
            return optuna.pruners.MedianPruner()
        case "hyperband":
            return optuna.pruners.HyperbandPruner(max_resource=plan.max_epochs)
    return optuna.pruners.NopPruner()


def _check_same(study: optuna.Study, plan: Plan) -> None:
    asked = plan.identity()
    before = study.user_attrs.get(_IDENTITY, asked)
    if different := [
        f"{name}: {before.get(name)} -> {asked.get(name)}"
        for name in before | asked
        if before.get(name) != asked.get(name)
    ]:
        raise UserError(
            f"{plan.path} holds a sweep with other settings "
            f"({'; '.join(different)}); choose another --run_dir."
        )
    study.set_user_attr(_IDENTITY, asked)


def trials_to_make(study: optuna.Study, plan: Plan) -> Iterator[Trial]:
    """Yields the trials that a process has left, then new ones.

    What a new one is to try is chosen when it is taken, by what there is then.
    """
    left = study.get_trials(states=[TrialState.RUNNING])
    for trial in left:
        yield _with_settings(Trial(study, trial._trial_id))
    while len(study.get_trials(deepcopy=False)) < plan.num_trials:
        yield _with_settings(study.ask())


def _with_settings(trial: Trial) -> Trial:
    """Returns a trial with all its settings, of which some may be there."""
    for name, d in trial.study.sampler.distributions.items():
        match d:
            case optuna.distributions.CategoricalDistribution():
                trial.suggest_categorical(name, d.choices)
            case optuna.distributions.IntDistribution():
                trial.suggest_int(name, d.low, d.high, log=d.log)
            case _:
                trial.suggest_float(name, d.low, d.high, log=d.log)
    return trial

"""Try many settings, and say which are best on validation images."""

import dataclasses

from cifar10_tf.cli import flags, libraries
from cifar10_tf.settings.command_options import SweepOptions
from cifar10_tf.system import cluster, interruption

# What a single run has, or what changes no trial.
_OF_A_RUN = {
    "num_runs",
    "num_workers",
    "restart",
    "tta",
    "tensorboard",
    "profile_steps",
}

_OF_EACH_RUN = ("checkpoint_every_sec", "debug", "devices")

TAKES = (
    *(field.name for field in dataclasses.fields(SweepOptions)),
    *(name for name in flags.OF_TRAINING if name not in _OF_A_RUN),
)


def run() -> None:
    """Makes the trials that the flags ask for, or goes on, and prints a table.

    Raises:
        UserError: there is something wrong with what is to be tried, or Optuna
            is not installed.
    """
    options = flags.options_of(SweepOptions)
    settings, of_process = flags.settings_and_options()
    libraries.check("sweep", ["optuna"])
    cluster.check_alone("sweep")
    from cifar10_tf.report.studies import sweep_text
    from cifar10_tf.studies.executors import by_name
    from cifar10_tf.studies.sweeps import sweep
    from cifar10_tf.studies.sweeps.plan import Plan

    interruption.set_max_minutes(of_process.max_minutes)
    plan = Plan.make(settings, options)
    result = sweep.train(
        plan,
        executor=by_name.make(of_process.engine, of_process.ray_address),
        run_flags=flags.of_each_run(_OF_EACH_RUN),
    )
    print(sweep_text.table(result))
    print(f"Everything is in {plan.path}")

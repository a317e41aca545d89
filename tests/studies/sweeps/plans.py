"""Plans of sweeps, as the command line makes them."""

from cifar10_tf.settings.command_options import SweepOptions
from cifar10_tf.settings.setting import defaults
from cifar10_tf.studies.sweeps.plan import Plan

SEARCH = "learning_rate=log:0.001:1,label_smoothing=0:0.3"


def options(**given) -> SweepOptions:
    """Returns options that try two settings, unless others are given."""
    return SweepOptions(**defaults(SweepOptions) | {"search": SEARCH} | given)


def make(run_dir, settings: dict | None = None, **given) -> Plan:
    """Returns a plan with such options and settings."""
    usual = {"model": "speedrun_s", "dataset": "synthetic10", "epochs": 2}
    where = {"run_dir": str(run_dir)}
    return Plan.make(usual | where | (settings or {}), options(**given))

"""The command line's flags: one for each setting, and those of the process."""

import dataclasses
import math
import sys
from collections.abc import Callable

from absl import flags

from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.settings.models import MODELS
from cifar10_tf.system.errors import UserError

FLAGS = flags.FLAGS

_HELP_FLAGS = frozenset(
    {"--help", "-help", "-h", "-?", "--helpshort", "--helpfull"}
)


def _define(field: dataclasses.Field) -> None:
    """Defines the flag of a setting; None stands for one that is not given."""
    name, valid = field.name, field.metadata["valid"]
    help_text = f"{field.metadata['help']} Default: {describe_default(field)}."
    if valid.choices:
        flags.DEFINE_enum(name, None, valid.choices, help_text)
    elif field.type is bool:
        flags.DEFINE_boolean(name, None, help_text)
    elif field.type is int:
        flags.DEFINE_integer(name, None, help_text)
    elif field.type is float:
        flags.DEFINE_float(name, None, help_text)
    else:
        flags.DEFINE_string(name, None, help_text)


def describe_default(field: dataclasses.Field) -> str:
    """Returns what a setting is where its flag is not given."""
    default = field.metadata["default"]
    recipes = [model.recipe for model in MODELS.values()]
    if any(field.name in recipe for recipe in recipes):
        values = {recipe.get(field.name, default) for recipe in recipes}
        return f"the model's own ({'; '.join(map(str, sorted(values)))})"
    if text := field.metadata["default_text"]:
        return text
    if field.type is bool:
        return "on" if default else "off"
    return str(default)


for _field in dataclasses.fields(Config):
    _define(_field)

flags.DEFINE_boolean(
    "mixed_precision",
    False,
    "Use the precision that this hardware gains from (see `doctor`).",
)
flags.DEFINE_integer(
    "num_runs",
    1,
    "Train so many times, with --seed, the seed after it and so on, and report "
    "mean, standard deviation and 95 % interval. Complete runs are not "
    "repeated.",
    lower_bound=1,
)
flags.DEFINE_boolean(
    "restart",
    False,
    "Start over where --run_dir holds a run already, which is kept under "
    "another name.",
)
flags.DEFINE_float(
    "checkpoint_every_sec",
    60.0,
    "How often at least the training is saved: an interrupted run goes on, by "
    "the same command, from there. 0: after each step.",
    lower_bound=0.0,
)
flags.DEFINE_float(
    "max_minutes",
    0.0,
    "Stop the training when the process has run for so long, saved so that the "
    "same command goes on with it; 0: no limit. The exit status is then 75.",
    lower_bound=0.0,
)
for _name in "checkpoint_every_sec", "max_minutes":
    flags.register_validator(_name, math.isfinite, "must be a finite number.")
flags.DEFINE_boolean("debug", False, "Show the traceback of an error.")


def parse(argv: list[str], help_text: Callable[[], str]) -> list[str]:
    """Parses the command line and returns what is not a flag, program aside.

    A flag that asks for help prints it and ends the process, with status 0.

    Raises:
        UserError: a flag is unknown or its value not acceptable.
    """
    if _HELP_FLAGS.intersection(argv[1:]):
        print(help_text())
        sys.exit(0)
    FLAGS.set_gnu_getopt(True)  # flags may follow the command
    try:
        arguments = FLAGS(argv)[1:]
    except flags.Error as error:
        raise UserError(
            f"{' '.join(str(error).split())}; see cifar10-tf --help."
        ) from error
    if FLAGS["verbosity"].using_default_value:
        FLAGS.verbosity = -1  # TFDS is talkative at absl's default, INFO
    return arguments


def help_text() -> str:
    """Describes every flag of this package."""
    return FLAGS.module_help(__name__)


def config_from_flags() -> Config:
    """Returns the config that the flags describe.

    Raises:
        UserError: a value is out of range.
    """
    settings = {f.name: FLAGS[f.name].value for f in dataclasses.fields(Config)}
    if settings["precision"] is None and FLAGS.mixed_precision:
        settings["precision"] = "auto"
    try:
        return make_config(**settings)
    except ValueError as error:
        raise UserError(str(error)) from error

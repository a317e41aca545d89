"""The command line's flags: one for each setting of a run or of a process."""

import dataclasses
import sys
import textwrap
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import absl.logging  # noqa: F401  it defines --verbosity
from absl import flags

from cifar10_tf import api
from cifar10_tf.settings import similar_names
from cifar10_tf.settings.command_options import COMMAND_OPTIONS
from cifar10_tf.settings.config import Config
from cifar10_tf.settings.models import MODELS
from cifar10_tf.settings.options import Options
from cifar10_tf.settings.setting import defaults
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.version import VERSION

FLAGS = flags.FLAGS

_Fields = Mapping[str, dataclasses.Field]


def _fields(*declared: type) -> _Fields:
    return {f.name: f for d in declared for f in dataclasses.fields(d)}


_OF_TRAINING = _fields(Config, Options)

# Those that a command has beside, or that mean something else there.
_OF_COMMANDS: Mapping[str, _Fields] = {
    command: _fields(declared) for command, declared in COMMAND_OPTIONS.items()
}

# Those of what a training is and how it is done.
OF_TRAINING = tuple(_OF_TRAINING)

# Every flag of this package, once.
NAMES = tuple(
    dict.fromkeys([*_OF_TRAINING, *_fields(*COMMAND_OPTIONS.values())])
)

_Options = TypeVar("_Options")

# What every command takes.
_ALWAYS = ("debug",)

_HELP_FLAGS = frozenset(
    {"--help", "-help", "-h", "-?", "--helpshort", "--helpfull"}
)


class _Number(flags.ArgumentParser):
    def __init__(self, number_type: type, text: str):
        self._type = number_type
        self.syntactic_help = text

    def parse(self, argument: str) -> Any:
        try:
            return self._type(argument)
        except ValueError:
            raise ValueError(f"must be {self.syntactic_help}") from None


class _OnOrOff(flags.BooleanParser):
    def __init__(self, name: str):
        self._name = name

    def parse(self, argument: Any) -> bool:
        try:
            return super().parse(argument)
        except ValueError:
            raise ValueError(
                f"must be --{self._name} or --no{self._name}"
            ) from None


_PARSERS = {
    int: _Number(int, "a whole number"),
    float: _Number(float, "a number"),
    str: flags.ArgumentParser(),
}


def _define(field: dataclasses.Field) -> None:
    """Defines the flag of a setting; None stands for one that is not given."""
    help_text = field.metadata["help"]
    if field.type is bool:
        flags.DEFINE_boolean(field.name, None, help_text)
        FLAGS[field.name].parser = _OnOrOff(field.name)
    else:
        flags.DEFINE(_PARSERS[field.type], field.name, None, help_text)


for _field in (_fields(*COMMAND_OPTIONS.values()) | _OF_TRAINING).values():
    _define(_field)


class Description(NamedTuple):
    """What the documentation says of a flag."""

    meaning: str
    values: str
    default: str


def _field_of(command: str, name: str) -> dataclasses.Field:
    return _OF_COMMANDS.get(command, {}).get(name) or _OF_TRAINING[name]


def describe(name: str, command: str = "train") -> Description:
    """Returns what the documentation says of a flag of a command."""
    field = _field_of(command, name)
    metadata = field.metadata
    return Description(
        metadata["help"], metadata["valid"].text, _describe_default(field)
    )


def _describe_default(field: dataclasses.Field) -> str:
    name, metadata = field.name, field.metadata
    if field is not _OF_TRAINING.get(name):
        return metadata["default_text"] or _shown(metadata["default"])
    models = {}
    for model, entry in MODELS.items():
        value = _shown(entry.recipe.get(name, metadata["default"]))
        models.setdefault(value, []).append(model)
    if len(models) == 1:
        return metadata["default_text"] or next(iter(models))
    most = max(models, key=lambda value: len(models[value]))
    of_most = models.pop(most)
    own = [f"{value} for {', '.join(m)}" for value, m in models.items()]
    own.append(f"{most} for {'the others' if len(of_most) > 1 else of_most[0]}")
    return f"the model's own: {'; '.join(own)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def help_text(names: Iterable[str], command: str = "train") -> str:
    """Describes the flags of a command that takes these."""
    return "\n".join(_help_of_flag(n, command) for n in _with_always(names))


def _with_always(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*names, *_ALWAYS)))


def _help_of_flag(name: str, command: str) -> str:
    meaning, values, default = describe(name, command)
    is_switch = _field_of(command, name).type is bool
    form = f"[no]{name}" if is_switch else name
    values = f"{values}; " if values else ""
    return textwrap.fill(
        f"--{form}: {meaning} ({values}default: {default})",
        width=80,
        initial_indent="  ",
        subsequent_indent="      ",
        break_on_hyphens=False,
    )


def parse(
    argv: list[str],
    help_text: Callable[[list[str]], str],
    taken: Mapping[str, Collection[str]] = types.MappingProxyType({}),
) -> list[str]:
    """Parses the command line and returns what is not a flag, program aside.

    What asks for help, or for the version, prints it and ends the process, with
    status 0.

    Args:
        help_text: what to print for these arguments.
        taken: the flags of each command.

    Raises:
        UserError: a flag is unknown or its value not acceptable.
    """
    arguments = argv[1:]
    # As in `help train` and `train help`, but not in `--model help`.
    is_asked = "help" in arguments[:2] and not arguments[0].startswith("-")
    if is_asked or _HELP_FLAGS.intersection(arguments):
        print(help_text(arguments))
        sys.exit(0)
    if "--version" in arguments or arguments == ["version"]:
        print(f"cifar10_tf {VERSION}")
        sys.exit(0)
    FLAGS.set_gnu_getopt(True)  # flags may follow the command
    try:
        arguments = FLAGS(argv)[1:]
    except flags.Error as error:
        command = next((a for a in argv[1:] if a in taken), "")
        text = f"{' '.join(str(error).split())}; "
        if isinstance(error, flags.UnrecognizedFlagError):
            name = error.flagname
            known = _with_always(taken.get(command, OF_TRAINING))
            question = similar_names.did_you_mean(name, known)
            text = f"unknown flag --{name}; {question}"
        shown = " ".join(filter(None, ["cifar10-tf", command, "--help"]))
        raise UserError(f"{text}see {shown}.") from error
    if FLAGS["verbosity"].using_default_value:
        FLAGS.verbosity = -1  # TFDS is talkative at absl's default, INFO
    return arguments


def check_taken(command: str, names: Collection[str]) -> None:
    """Checks that only flags are given that the command takes.

    Raises:
        UserError: another is.
    """
    names = _with_always(names)
    for name in NAMES:
        if FLAGS[name].present and name not in names:
            raise UserError(
                f"{command} takes no --{name}; its flags are "
                f"{', '.join(f'--{name}' for name in names)}."
            )


def config_and_options() -> tuple[Config, Options]:
    """Returns what the flags ask for.

    Raises:
        UserError: a value is out of range.
    """
    return api.config_and_options({n: FLAGS[n].value for n in OF_TRAINING})


def settings_and_options() -> tuple[dict[str, Any], Options]:
    """Returns the settings that the flags give, and the options.

    Raises:
        UserError: an option is not valid.
    """
    return api.settings_and_options({n: FLAGS[n].value for n in OF_TRAINING})


def given(names: Iterable[str]) -> list[str]:
    """Returns those of the flags that are given, as of a command line."""
    return [
        f"--{name}={FLAGS[name].value}"
        for name in names
        if FLAGS[name].value is not None
    ]


def of_each_run(names: Iterable[str]) -> list[str]:
    """Returns what each of several runs is given of the flags.

    One device is a run's own, here as on Ray, unless a flag says otherwise.
    """
    return ["--devices=1", *given(names)]


def options_of(declared: type[_Options]) -> _Options:
    """Returns what the flags ask for of a command, by its options.

    Raises:
        UserError: a value is not valid.
    """
    values = {
        name: default if FLAGS[name].value is None else FLAGS[name].value
        for name, default in defaults(declared).items()
    }
    try:
        return declared(**values)
    except ValueError as error:
        raise UserError(str(error)) from error

"""The commands: which there are, what each is given, and the text of --help."""

import inspect
from collections.abc import Collection

from absl import app

from cifar10_tf.cli import flags
from cifar10_tf.cli.commands import (
    compare,
    doctor,
    evaluate,
    export,
    predict,
    prepare,
    report,
    serve,
    sweep,
    train,
)
from cifar10_tf.settings import similar_names
from cifar10_tf.settings.models import MODELS
from cifar10_tf.system.errors import UserError

# Each a module, whose docstring is its line in --help.
COMMANDS = {
    "train": train,
    "sweep": sweep,
    "evaluate": evaluate,
    "report": report,
    "compare": compare,
    "predict": predict,
    "serve": serve,
    "export": export,
    "prepare": prepare,
    "doctor": doctor,
}

# Read as a command where it follows a flag that is on or off.
_ON_OR_OFF = {"true", "false", "yes", "no", "on", "off", "0", "1"}


def run(argv: list[str]) -> None:
    """Runs a command line; without a command it means train.

    Raises:
        UserError: as the command does, or the command line is not well-formed.
    """
    taken = {name: command.TAKES for name, command in COMMANDS.items()}
    app.run(_run, argv, lambda argv: flags.parse(argv, help_text, taken))


def _run(arguments: list[str]) -> None:
    name, *rest = arguments or ["train"]
    if name not in COMMANDS:
        _check_no_value(name)
        raise _unknown(name)
    command = COMMANDS[name]
    flags.check_taken(name, command.TAKES)
    try:
        # A command's parameters are what may follow its name.
        call = inspect.signature(command.run).bind(*rest)
    except TypeError:
        _check_no_value(rest[0])
        raise UserError(
            f"{name} takes no {' '.join(rest)!r}; flags are given as "
            f"--name=value{_meant(rest, command.TAKES)}."
        ) from None
    command.run(*call.args)


def _meant(words: list[str], flags_taken: Collection[str]) -> str:
    """Says how a word is given that seems to be the value of a flag."""
    word = words[0]
    if len(words) > 1 or word.isdecimal():
        return ""
    if word in MODELS and "model" in flags_taken:
        return f", a model as --model={word}"
    if "run_dir" in flags_taken:
        return f", the directory of a run as --run_dir={word}"
    return ""


def _check_no_value(word: str) -> None:
    if word.lower() in _ON_OR_OFF:
        raise UserError(
            f"{word!r} follows a flag that takes no value: a flag is switched "
            "on by --name and off by --noname."
        )


def _unknown(name: str) -> UserError:
    return UserError(similar_names.unknown("command", name, COMMANDS))


def help_text(arguments: list[str]) -> str:
    """Describes the command that is named and its flags, or all commands.

    Raises:
        UserError: help is asked for a command that there is not.
    """
    if "help" in arguments[:2]:
        for name in arguments[:2]:
            is_flag = name.startswith("-")
            if not is_flag and name not in (*COMMANDS, "help"):
                raise _unknown(name)
    for name in filter(COMMANDS.__contains__, arguments):
        command = COMMANDS[name]
        usage = " ".join(
            filter(None, [name, getattr(command, "ARGUMENTS", "")])
        )
        return (
            f"usage: cifar10-tf {usage} [flags]\n\n{command.__doc__}\n\n"
            f"{flags.help_text(command.TAKES, name)}"
        )
    lines = [f"  {name:<10}{m.__doc__}" for name, m in COMMANDS.items()]
    return "\n".join(
        [
            "usage: cifar10-tf [COMMAND] [flags]\n",
            *lines,
            "\nEach has its own flags: cifar10-tf COMMAND --help. "
            "--version says which this is.\nThose of train:\n",
            flags.help_text(train.TAKES),
        ]
    )

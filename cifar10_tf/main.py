"""The command line: `python -m cifar10_tf.main [COMMAND] [flags]`."""

import errno
import inspect
import os
import signal
import sys

from absl import app

from cifar10_tf.cli import doctor, evaluate, flags, prepare, train
from cifar10_tf.system import interruption, log_output
from cifar10_tf.system.errors import UserError

# Each a module, whose docstring is its line in --help.
COMMANDS = {
    "train": train,
    "evaluate": evaluate,
    "prepare": prepare,
    "doctor": doctor,
}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(arguments: list[str]) -> None:
    """Runs the command that the arguments name; none means train."""
    name, *rest = arguments or ["train"]
    if name not in COMMANDS:
        raise UserError(
            f"Unknown command {name!r}; choose one of {', '.join(COMMANDS)}, "
            "then flags as --name=value."
        )
    try:
        # A command's parameters are what may follow its name.
        call = inspect.signature(COMMANDS[name].run).bind(*rest)
    except TypeError:
        raise UserError(
            f"{name} can't do with {' '.join(rest)!r}; flags are given as "
            "--name=value."
        ) from None
    COMMANDS[name].run(*call.args)


def help_text() -> str:
    """Describes the commands, by their docstrings, and the flags."""
    lines = [f"  {name:<10}{m.__doc__}" for name, m in COMMANDS.items()]
    return "\n".join(
        ["usage: cifar10-tf [COMMAND] [flags]\n", *lines, flags.help_text()]
    )


def run() -> None:
    """Runs the process: the console script `cifar10-tf`."""
    log_output.show()
    try:
        interruption.install()
        app.run(main, flags_parser=lambda argv: flags.parse(argv, help_text))
    except BrokenPipeError:  # as of `| head`
        _silence(sys.stdout)
        sys.exit(128 + signal.SIGPIPE)
    except interruption.Interrupted as stop:
        _stop(stop)
    except Exception as error:
        # What a signal raised may have become another error in native code.
        if interruption.is_signalled() and not isinstance(error, UserError):
            _stop(interruption.due())
        is_known = isinstance(error, (UserError, OSError))
        if not is_known or (flags.FLAGS.is_parsed() and flags.FLAGS.debug):
            raise
        sys.exit(f"error: {_describe(error)}")
    finally:
        # Python's own end is not to be interrupted: TensorFlow's threads would
        # keep it from ending at all.
        interruption.hold()


def _stop(stop: interruption.Interrupted) -> None:
    interruption.hold()
    try:
        print(
            f"stopped by {stop}; run the same command again{_how()} to go on",
            file=sys.stderr,
        )
    except OSError:  # as of `2>&1 | tee`, which Ctrl-C has ended, too
        _silence(sys.stderr)
    sys.exit(stop.status)


def _silence(stream) -> None:
    """Lets a stream go nowhere, where there is nobody any more to read it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _how() -> str:
    # It would start over each time.
    is_given = flags.FLAGS.is_parsed() and flags.FLAGS.restart
    return " without --restart" if is_given else ""


def _describe(error: Exception) -> str:
    if getattr(error, "errno", None) not in _NO_ROOM:
        return str(error)
    return (
        f"{error.filename or 'a file'} can't be written ({error.strerror}). "
        "What has been saved is kept: make room and run the same command again"
        f"{_how()}."
    )


if __name__ == "__main__":
    run()

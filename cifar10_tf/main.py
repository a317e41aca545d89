"""The process: `python -m cifar10_tf.main [COMMAND] [flags]`."""

import errno
import io
import os
import signal
import sys

from cifar10_tf.system import errors

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run() -> None:
    """Runs the process: the console script `cifar10-tf`."""
    if sys.platform == "win32":
        sys.exit(f"error: {errors.NOT_ON_WINDOWS}")
    # No traceback of the imports that taking signals over needs.
    signal.signal(signal.SIGINT, lambda number, _: os._exit(128 + number))
    from cifar10_tf.system import interruption, log_output, tensorflow_startup

    tensorflow_startup.is_lean = True
    log_output.outlive_terminal()
    log_output.show()
    if isinstance(sys.stdout, io.TextIOWrapper):  # none where it is closed
        # As stderr: a class's name is not worth the end of a training.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        interruption.install()
        # Takes 0.3 s, in which a Ctrl-C is no traceback either.
        from cifar10_tf.cli import command_line

        command_line.run(sys.argv)
    except BrokenPipeError:  # as of `| head`
        log_output.silence(sys.stdout)
        sys.exit(128 + signal.SIGPIPE)
    except interruption.Interrupted as stop:
        _stop(stop)
    except Exception as error:
        # What a signal raised may have become another error in native code.
        is_ours = isinstance(error, errors.UserError)
        if interruption.is_signalled() and not is_ours:
            _stop(interruption.due())
        if _is_on("debug") or not (is_ours or isinstance(error, OSError)):
            raise
        sys.exit(f"error: {_describe(error)}")
    finally:
        # Python's own end is not to be interrupted: TensorFlow's threads would
        # keep it from ending at all.
        interruption.hold()


def _stop(stop) -> None:
    from cifar10_tf.system import interruption, log_output

    interruption.hold()
    hint = f"; run the same command again{_how()} to go on"
    try:
        print(
            f"stopped by {stop}{hint if stop.can_go_on else ''}",
            file=sys.stderr,
        )
    except OSError:  # as of `2>&1 | tee`, which Ctrl-C has ended, too
        log_output.silence(sys.stderr)
    sys.exit(stop.status)


def _how() -> str:
    return " without --restart" if _is_on("restart") else ""


def _is_on(name: str) -> bool:
    # Not before signals are taken over: the import takes a while.
    from absl import flags

    return flags.FLAGS.is_parsed() and bool(flags.FLAGS[name].value)


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

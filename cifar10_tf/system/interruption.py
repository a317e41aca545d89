"""Ends the process at a signal or after a time, and loses nothing by it.

While training steps go on, the end comes after the step, when its state has
been saved; at any other time at once, for what there is to lose has been saved
before. However busy native code is, the process ends within `limit_sec`.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator

from cifar10_tf.system import process_clock
from cifar10_tf.system.errors import UserError

# The signals that ask for an end; batch systems such as Slurm warn by the last
# two before it kills.
_ENDS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)

# By which the process calls itself; nobody else has a use for it here.
_CALL = signal.SIGURG

# As sysexits.h has it: try again.
_OUT_OF_TIME = 75

# The statuses of a process that was interrupted, and by what.
STATUSES = {
    **{128 + number: number.name for number in _ENDS},
    _OUT_OF_TIME: "--max_minutes",
}

# From the signal to the end, at most; a study's is longer than its runs'.
limit_sec = 8.0
_AGAIN_SEC = 1.0

_received: int | None = None
_raised_at = -_AGAIN_SEC
_is_held = False
_max_minutes = 0.0


class Interrupted(BaseException):
    """The process is to end, though nothing is wrong.

    No Exception, so that nobody takes it for an error to go on after.

    Attributes:
        status: of the process.
        can_go_on: whether something is saved, from which to go on.
    """

    def __init__(self, reason: str, status: int, can_go_on: bool = False):
        super().__init__(reason)
        self.status, self.can_go_on = status, can_go_on


def install() -> None:
    """Takes the signals that ask for an end over; a second SIGINT kills.

    A SIGHUP that is ignored, as of `nohup`, stays so.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _ENDS:
        is_ignored = signal.getsignal(number) == signal.SIG_IGN
        if not (number == signal.SIGHUP and is_ignored):
            signal.signal(number, _on_signal)
    signal.signal(_CALL, _on_call)
    sys.unraisablehook = _on_unraisable
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()


def install_again() -> None:
    """Takes back the signals that native code has taken over meanwhile.

    TensorFlow takes SIGTERM where several processes train together.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _ENDS:
            signal.signal(number, signal.getsignal(number))


@contextlib.contextmanager
def keeping_handlers() -> Iterator[None]:
    """Puts back the handlers of signals that a library takes meanwhile."""
    numbers = (*_ENDS, _CALL)
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def saving_first(starts_over: bool = False) -> Iterator[None]:
    """Has Ctrl-C, in a notebook, save the training before it interrupts.

    A second one interrupts at once. In another thread than the main one, which
    alone gets signals, nothing is done about them.

    Args:
        starts_over: whether the same call would not go on with it.

    Raises:
        KeyboardInterrupt: in place of Interrupted.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main:
        _forget()  # what other threads have held
        before = signal.signal(signal.SIGINT, _on_first_signal)
    try:
        yield
    except Interrupted as stop:
        how = ", without restart," if starts_over else ""
        hint = f"; the same call{how} goes on with it" * stop.can_go_on
        raise KeyboardInterrupt(f"{stop}{hint}") from None
    except Exception as error:
        # What a signal raised may have become another error in native code.
        if is_main and _received and not isinstance(error, UserError):
            raise KeyboardInterrupt(str(due())) from error
        raise
    finally:
        set_max_minutes(0)
        if is_main:
            _forget()
            signal.signal(signal.SIGINT, before)


def _forget() -> None:
    global _received, _raised_at, _is_held
    _received, _raised_at, _is_held = None, -_AGAIN_SEC, False


def _on_first_signal(number: int, frame) -> None:
    if _received:
        raise KeyboardInterrupt
    _on_signal(number, frame)


def set_max_minutes(minutes: float) -> None:
    """Sets when `due` says that it is time, from the start of the process.

    0 is never.
    """
    global _max_minutes
    _max_minutes = minutes


def minutes_left() -> float | None:
    """Returns what is left of the time set, perhaps less than 0; None: any."""
    return (
        _max_minutes - process_clock.process_sec() / 60
        if _max_minutes
        else None
    )


def hold() -> None:
    """Lets signals wait from now on, for `due` or `release`."""
    global _is_held
    _is_held = True


def release() -> None:
    """Lets signals end the process at once again.

    Raises:
        Interrupted: there has been one meanwhile.
    """
    global _is_held
    _is_held = False
    if _received:
        raise _by_signal()


def is_signalled() -> bool:
    """Tells whether the process has got a signal to end."""
    return _received is not None


def due() -> Interrupted | None:
    """Returns what is to be raised where there is a reason to end."""
    if _received:
        return _by_signal()
    if (left := minutes_left()) is not None and left <= 0:
        return Interrupted(STATUSES[_OUT_OF_TIME], _OUT_OF_TIME)
    return None


def _by_signal() -> Interrupted:
    global _raised_at
    _raised_at = time.monotonic()
    return Interrupted(signal.Signals(_received).name, 128 + _received)


def _on_signal(number: int, frame) -> None:
    global _received
    if _received:
        return  # it is on its way out
    _received = number
    _on_call(number, frame)


def _on_call(number: int, frame) -> None:
    # What was raised just now may be on its way still.
    is_new = time.monotonic() - _raised_at >= _AGAIN_SEC
    if _received and is_new and not _is_held:
        raise _by_signal()


def _on_unraisable(unraisable) -> None:
    # It is going to be raised again.
    if not issubclass(unraisable.exc_type, Interrupted):
        sys.__unraisablehook__(unraisable)


def _watch(reader: int) -> None:
    # Python calls its handlers between its own instructions, of the main thread
    # only, which may be compiling in native code for minutes. And what they
    # raise gets lost in a destructor or a weak reference's callback: so they
    # are called again until the process ends or, by `hold`, forbids it.
    # Every signal that somebody handles comes here.
    while (first := os.read(reader, 1)[0]) not in _ENDS:
        pass
    received, now = bytes([first]), time.monotonic()
    end, again = now + limit_sec, now + _AGAIN_SEC
    main_thread = threading.main_thread().ident
    # A study passes on, as SIGTERM, what may have reached its run already.
    while received.count(signal.SIGINT) < 2 and now < end:
        if now >= again:
            signal.pthread_kill(main_thread, _CALL)
            again = now + _AGAIN_SEC
        if select.select([reader], [], [], min(again, end) - now)[0]:
            received += os.read(reader, 1)
        now = time.monotonic()
    with contextlib.suppress(OSError):  # what read it may have ended, too
        name = signal.Signals(first).name
        os.write(sys.stderr.fileno(), f"killed by {name}\n".encode())
    os._exit(128 + first)

"""Where output goes: messages to stderr, lines without a reader nowhere."""

import contextlib
import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from typing import TextIO


def show() -> None:
    """Shows messages from INFO on, unless somebody has decided already."""
    log = logging.getLogger("cifar10_tf")
    if log.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # absl's handler would print it again


@contextlib.contextmanager
def quiet_stderr() -> Iterator[TextIO]:
    """Silences what libraries say that nothing else turns off.

    Whoever writes to stderr is silent meanwhile; what is yielded still reaches
    it. Exceptions pass.
    """
    with open(os.dup(2), "w", encoding="utf-8") as stderr:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), 2)
        try:
            yield stderr
        finally:
            os.dup2(stderr.fileno(), 2)


def silence(stream: io.IOBase) -> None:
    """Lets a stream go nowhere, where there is nobody any more to read it."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


def outlive_terminal() -> None:
    """Lets printing to a terminal that has closed do nothing, and fail nothing.

    A training that no longer belongs to its terminal (`setsid`, `disown`) gets
    no signal when it closes, and must not end by its next line. Pipes and files
    stay as they are.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            terminal = _Terminal(stream.fileno(), "wb", closefd=False)
            lasting = io.TextIOWrapper(
                io.BufferedWriter(terminal),
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=True,
            )
            setattr(sys, name, lasting)


class _Terminal(io.FileIO):
    """A terminal, and nothing in its place once it is gone."""

    def write(self, data) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        silence(self)
        return len(data)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"warning: {text}" if record.levelno >= logging.WARNING else text

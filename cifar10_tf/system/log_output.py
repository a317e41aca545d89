"""Where this package's messages go: to stderr, a line each."""

import contextlib
import logging
import os
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


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"warning: {text}" if record.levelno >= logging.WARNING else text

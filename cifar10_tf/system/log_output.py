"""Where this package's messages go: to stderr, a line each."""

import logging


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


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"warning: {text}" if record.levelno >= logging.WARNING else text

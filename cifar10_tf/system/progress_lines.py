"""How far long work is and how long it still takes, on stderr."""

import sys
import time
from collections.abc import Callable
from typing import TextIO


class ProgressLines:
    """Says so every few seconds; work of less than that says nothing.

    On a terminal one line is written again and again, and taken away at the
    end. Use it as a context.
    """

    def __init__(
        self,
        what: str,
        total: int,
        *,
        every_sec: float = 5.0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Begins to count the time.

        Args:
            what: the beginning of the lines.
            total: of the steps that `advance` counts.
            every_sec: at most one line in so long; on a terminal a tenth.
            stream: instead of stderr.
            clock: returns seconds.
        """
        self._what, self._total = what, total
        self._stream = sys.stderr if stream is None else stream
        self._on_terminal = self._stream.isatty()
        self._every_sec = every_sec / 10 if self._on_terminal else every_sec
        self._clock = clock
        self._done = 0
        self._start = self._last = clock()
        self._width = 0

    def advance(self, steps: int = 1) -> None:
        """Counts steps that are done; says how far it is, if it is time to."""
        self._done += steps
        now = self._clock()
        if now - self._last < self._every_sec or self._done >= self._total:
            return
        self._last = now
        rest = (now - self._start) / self._done * (self._total - self._done)
        line = (
            f"{self._what}: {self._done:,} of {self._total:,}, "
            f"{_duration(rest)} to go"
        )
        self._write(line if self._on_terminal else f"{line}\n")

    def _write(self, text: str) -> None:
        if self._on_terminal:
            text = f"\r{text:<{self._width}}"
            self._width = len(text) - 1
        self._stream.write(text)
        self._stream.flush()

    def __enter__(self) -> "ProgressLines":
        return self

    def __exit__(self, *_) -> None:
        if self._width:
            self._stream.write(f"\r{'':<{self._width}}\r")
            self._stream.flush()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

"""Ends the process that started it when one of the addresses is gone.

While TensorFlow connects workers it keeps the interpreter: no thread of theirs
can watch. This is a program of its own, `guard.py ADDRESS...`; it imports the
standard library only, to be there in a moment. Its input's end ends it.
"""

import os
import select
import signal
import socket
import sys
import time

INTERVAL_SEC = 1.0
TIMEOUT_SEC = 4.0

# Between this program's port and TensorFlow's, at the same address, nobody
# listens: a second, or as long as a machine takes to open its GPUs.
_GONE_SEC = 10.0

# For a machine that is gone, or whatever else TensorFlow may wait for. What it
# takes to connect: a second.
_LIMIT_SEC = 45.0


def answers(address: str) -> bool:
    """Returns whether somebody listens at HOST:PORT."""
    try:
        socket.create_connection(split(address), TIMEOUT_SEC).close()
    except OSError:
        return False
    return True


def split(address: str) -> tuple[str, int]:
    """Returns host and port of HOST:PORT or [IPv6]:PORT."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def say_end(what: str) -> None:
    """Says on the standard error why a process ends before its work does."""
    sys.stderr.write(
        f"stopped because {what}; run the same command again on all workers "
        "to go on from the last checkpoint\n"
    )
    sys.stderr.flush()


def _main(addresses: list[str]) -> None:
    parent = os.getppid()
    start = time.monotonic()
    seen = dict.fromkeys(addresses, start)
    while not select.select([0], [], [], INTERVAL_SEC)[0]:
        for address in addresses:
            now = time.monotonic()
            if answers(address):
                seen[address] = now
            elif now - seen[address] > _GONE_SEC:
                _end(parent, f"the worker at {address} is gone")
        if time.monotonic() - start > _LIMIT_SEC:
            _end(parent, "TensorFlow can't connect the workers")


def _end(parent: int, what: str) -> None:
    say_end(what)
    os.kill(parent, signal.SIGUSR1)
    sys.exit()


if __name__ == "__main__":
    _main(sys.argv[1:])

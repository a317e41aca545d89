"""The most memory that a process has had."""

import pathlib


def peak_rss_mib(pid: int | str = "self") -> float | None:
    """Returns the peak of a running process so far; None where unknown.

    Linux knows.
    """
    try:
        # A child's ru_maxrss begins at what its parent had.
        status = pathlib.Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return None
    # Of a process that has ended there is none.
    _, is_there, rest = status.partition("VmHWM:")
    return int(rest.split()[0]) / 1024 if is_there else None

"""How long a run has been going: from the process's start, or from a call."""

import os
import pathlib
import time

_began_sec = 0.0


def restart() -> None:
    """Counts from now on: in a notebook a run begins with its call."""
    global _began_sec
    _began_sec = _sec_since_start()


def process_sec() -> float:
    """Returns the seconds since this process, or `restart`, began."""
    return _sec_since_start() - _began_sec


def _sec_since_start() -> float:
    try:
        # psutil's create_time is off by up to a second: it adds to the boot
        # time, which Linux gives in whole seconds.
        stat = pathlib.Path("/proc/self/stat").read_text("utf-8")
        start_ticks = int(stat.rpartition(")")[2].split()[19])
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return now - start_ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        import psutil

        return time.time() - psutil.Process().create_time()

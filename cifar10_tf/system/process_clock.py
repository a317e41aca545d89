"""How long this process has been running."""

import os
import pathlib
import time

import psutil


def process_sec() -> float:
    """Returns the wall-clock seconds since this process started."""
    try:
        # psutil's create_time is off by up to a second: it adds to the boot
        # time, which Linux gives in whole seconds.
        stat = pathlib.Path("/proc/self/stat").read_text("utf-8")
        start_ticks = int(stat.rpartition(")")[2].split()[19])
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return now - start_ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        return time.time() - psutil.Process().create_time()

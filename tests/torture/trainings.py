"""What is done to trainings; each case returns a figure."""

import shutil
import signal
import time

import numpy as np

from cifar10_tf.runs import checkpoint
from tests.torture.bench import result_of, wait_for_checkpoint

WITHOUT_SEEDS = """
import numpy as np
from cifar10_tf.runs import checkpoint
restore = checkpoint.restore
checkpoint.restore = lambda model, arrays: restore(model, [
    np.zeros_like(array) if "seed_generator" in path else array
    for array, (path, _, _) in zip(arrays, checkpoint.describe(model))])
"""

_LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))
"""


def kills(
    bench, flags, num_kills, patch="", share=1.0, same=lambda result: result
) -> str:
    """Returns how many of the runs killed ended as the one left alone.

    They are killed in the first `share` of the time after a checkpoint, and
    then, some of them, at any moment from their start.
    """
    expected, start_sec, sec = bench.expected(flags)
    equal = runs = num_killed = 0
    while num_killed < num_kills:
        run_dir = bench.path / f"killed{runs}"
        killed_before = num_killed
        for is_first in [True, False][: bench.rng.choice([1, 1, 2])]:
            process = bench.start(flags, run_dir, patch=patch)
            if is_first:
                wait_for_checkpoint(process, run_dir)
            wait_sec = share * sec + (0 if is_first else start_sec)
            time.sleep(bench.rng.uniform(0, wait_sec))
            process.kill()
            process.communicate()
            num_killed += process.returncode == -signal.SIGKILL
        status, error = bench.finish(flags, run_dir, patch=patch)
        assert status == 0, error
        if num_killed > killed_before:
            runs += 1
            equal += same(result_of(run_dir)) == same(expected)
        shutil.rmtree(run_dir)
    return f"{equal} of {runs} runs, {num_killed} kills"


def terminations(bench, flags, number) -> tuple[str, bool]:
    expected, *seconds = bench.expected(flags)
    good = ended = 0
    slowest = 0.0
    run_dir = bench.path / "terminated"
    while ended < number:
        process = bench.start(flags, run_dir)
        time.sleep(bench.rng.uniform(0, sum(seconds)))
        start = time.monotonic()
        process.terminate()
        error = process.communicate()[1]
        slowest = max(slowest, time.monotonic() - start)
        was_done = process.returncode == 0
        ended += not was_done
        good += (
            process.returncode == 143 and "stopped by SIGTERM" in error
        ) or (
            # At Python's own start and end: 143, too, for a shell.
            process.returncode == -signal.SIGTERM
            and (not error or (run_dir / "summary.json").exists())
        )
        if was_done or bench.rng.random() < 0.5:
            status, error = bench.finish(flags, run_dir)
            good -= status != 0 or result_of(run_dir) != expected
            shutil.rmtree(run_dir)
    shutil.rmtree(run_dir, ignore_errors=True)
    return (
        f"{good} of {number}, at most {slowest:.1f} s",
        good == number and slowest < 10,
    )


def damages(bench, flags, flips, truncations) -> tuple[str, bool]:
    bench.expected(flags)
    directory = bench.path / "damaged"
    directory.mkdir()
    *_, whole = sorted((bench.path / "alone").glob("*/checkpoints/step-*"))
    content = np.fromfile(whole, np.uint8)
    silent = 0
    for i in range(flips + truncations):
        bad = content.copy()
        at = bench.rng.randrange(len(content))
        if i < flips:
            bad[at] ^= 1 << bench.rng.randrange(8)
        else:
            bad = bad[:at]
        bad.tofile(directory / whole.name)
        silent += checkpoint.newest(directory) is not None
    return f"{silent} of {flips} + {truncations} loaded", not silent


def limits(bench, flags, number) -> tuple[str, bool]:
    """Starts from a run that was stopped; files may grow to some size only."""
    origin, good = bench.path / "limited", 0
    for i in range(number):
        shutil.rmtree(origin, ignore_errors=True)
        process = bench.start(flags, origin)
        wait_for_checkpoint(process, origin)
        process.terminate()
        process.communicate()
        before = checkpoint.newest(origin / "checkpoints").step
        sizes = [p.stat().st_size for p in (origin / "checkpoints").iterdir()]
        # From a page to all but a page of a checkpoint.
        limit = 4096 + i * (max(sizes) - 8192) // max(number - 1, 1)
        status, error = bench.finish(flags, origin, _LIMIT.format(limit))
        last = error.splitlines()[-1] if error else ""
        whole = checkpoint.newest(origin / "checkpoints")
        torn = list((origin / "checkpoints").glob("*.damaged"))
        good += (
            status == 1
            and last.startswith("error: ")
            and "can't be written" in last
            and whole is not None
            and whole.step >= before
            and not torn
        )
    shutil.rmtree(origin, ignore_errors=True)
    return f"{good} of {number}", good == number

"""What is done to one of several workers; each case returns a figure."""

import shutil
import signal
import time

from tests.torture.bench import result_of

# From the end of one worker to that of the others, and from a signal's.
_LOST_SEC, _SIGNAL_SEC = 60, 15


def kills(bench, flags, number) -> tuple[str, bool]:
    """Kills any of two workers at any moment, and starts them all again."""
    whole_sec = _time_alone(bench, flags)
    expected = result_of(bench.path / "workers")
    num_killed = equal = 0
    slowest = 0.0
    run_dir = bench.path / "workers_killed"
    while num_killed < number:
        statuses, sec = _interrupt(
            bench, flags, run_dir, signal.SIGKILL, whole_sec
        )
        if statuses == [0, 0]:
            shutil.rmtree(run_dir)
            continue
        num_killed += 1
        is_right = sorted(statuses) in ([-9, 138], [-9, 0])
        slowest = max(slowest, sec)
        ends = _wait(bench.start_workers(flags, run_dir))
        assert ends == [0, 0], ends
        equal += is_right and result_of(run_dir) == expected
        shutil.rmtree(run_dir)
    return (
        f"{equal} of {number}, the other within {slowest:.0f} s",
        equal == number and slowest < _LOST_SEC,
    )


def terminations(bench, flags, number) -> tuple[str, bool]:
    """Sends SIGTERM to any of two workers, and starts both again."""
    whole_sec = _time_alone(bench, flags)
    expected = result_of(bench.path / "workers")
    num_ended = good = 0
    slowest = 0.0
    run_dir = bench.path / "workers_terminated"
    while num_ended < number:
        statuses, sec = _interrupt(
            bench, flags, run_dir, signal.SIGTERM, whole_sec
        )
        if statuses != [0, 0]:
            num_ended += 1
            slowest = max(slowest, sec)
            # Before the first step and after the last nobody waits for others.
            is_right = set(statuses) <= {143, 138, 0} and 143 in statuses
            ends = _wait(bench.start_workers(flags, run_dir))
            assert ends == [0, 0], ends
            good += is_right and result_of(run_dir) == expected
        shutil.rmtree(run_dir, ignore_errors=True)
    return (
        f"{good} of {number}, all within {slowest:.0f} s",
        good == number and slowest < _SIGNAL_SEC,
    )


def _time_alone(bench, flags) -> float:
    """Returns the seconds of two workers that nobody interrupts."""
    run_dir = bench.path / "workers"
    shutil.rmtree(run_dir, ignore_errors=True)
    start = time.monotonic()
    ends = _wait(bench.start_workers(flags, run_dir))
    assert ends == [0, 0], ends
    return time.monotonic() - start


def _interrupt(bench, flags, run_dir, number, whole_sec):
    """Returns the statuses of both, and the seconds from signal to end."""
    workers = bench.start_workers(flags, run_dir)
    time.sleep(bench.rng.uniform(0.1, 1) * whole_sec)
    bench.rng.choice(workers).send_signal(number)
    start = time.monotonic()
    return _wait(workers), time.monotonic() - start


def _wait(workers) -> list[int]:
    for worker in workers:
        worker.communicate()
    return [worker.returncode for worker in workers]

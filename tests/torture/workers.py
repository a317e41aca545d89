"""What is done to one of several workers; each case returns a figure."""

import shutil
import signal
import time

from tests.torture.bench import result_of

# From the end of one worker to that of the others, and from a signal's.
_LOST_SEC, _SIGNAL_SEC = 60, 15


def kills(bench, flags, number) -> tuple[str, bool]:
    """Kills any of two workers at any moment, and starts both again."""
    equal, slowest = _interrupt_and_go_on(
        bench,
        flags,
        number,
        signal.SIGKILL,
        lambda statuses: sorted(statuses) in ([-9, 138], [-9, 0]),
    )
    return (
        f"{equal} of {number}, the other within {slowest:.0f} s",
        equal == number and slowest < _LOST_SEC,
    )


def terminations(bench, flags, number) -> tuple[str, bool]:
    """Sends SIGTERM to any of two workers, and starts both again."""
    equal, slowest = _interrupt_and_go_on(
        bench,
        flags,
        number,
        signal.SIGTERM,
        # Before the first step and after the last nobody waits for others. At
        # its own end, when all is written, Python gives signals up.
        lambda statuses: (
            sorted(statuses) == [-15, 0]
            or (set(statuses) <= {143, 138, 0} and 143 in statuses)
        ),
    )
    return (
        f"{equal} of {number}, all within {slowest:.0f} s",
        equal == number and slowest < _SIGNAL_SEC,
    )


def _interrupt_and_go_on(
    bench, flags, number, signal_number, is_right
) -> tuple[int, float]:
    """Returns how many ended rightly, with the bits of two left alone.

    And the seconds from the signal to the end of both, at most.
    """
    whole_sec = _time_alone(bench, flags)
    expected = result_of(bench.path / "workers")
    num_interrupted = equal = 0
    slowest = 0.0
    run_dir = bench.path / "workers_interrupted"
    while num_interrupted < number:
        statuses, sec = _interrupt(
            bench, flags, run_dir, signal_number, whole_sec
        )
        if statuses != [0, 0]:
            num_interrupted += 1
            slowest = max(slowest, sec)
            ends = _wait(bench.start_workers(flags, run_dir))
            assert ends == [0, 0], ends
            equal += is_right(statuses) and result_of(run_dir) == expected
        shutil.rmtree(run_dir)
    return equal, slowest


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
    """Returns the statuses; what SIGUSR1 ends has 138, as a shell says."""
    for worker in workers:
        worker.communicate()
    return [
        138 if worker.returncode == -signal.SIGUSR1 else worker.returncode
        for worker in workers
    ]

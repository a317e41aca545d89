"""Kills, damages and starves trainings, and counts what that does to them.

    python -m tests.torture [--quick]

Small trainings on a small data set, each case against the same training left
alone. Prints a Markdown table; exits with 1 if a promise is broken:

- SIGKILL at random moments from the first checkpoint to the end, the same
  command until it is done: weights, final checkpoint with the optimizer's
  state, and metrics.jsonl (times aside) are the same to the bit. That this can
  fail is shown by one that goes on without the state of its dropout's seeds.
- SIGTERM at random moments from the start of the process to its end: it ends
  within 10 s, with status 143, and goes on to the same bits.
- Flipped bits and truncations of a checkpoint: none is loaded.
- A limit of the file size: an error, and the checkpoint before still loads.
- SIGKILL of one of two workers at random moments: the other ends within 60 s,
  and the same command on both ends with the bits of two left alone. SIGTERM to
  one of them: both end within 15 s.

Then the same for data; `python -m tests.torture.data [TRIALS]` does that alone.
"""

import argparse
import pathlib
import random
import sys
import tempfile

from tests.torture import data, workers
from tests.torture.bench import CASES, Bench
from tests.torture.trainings import (
    WITHOUT_SEEDS,
    damages,
    kills,
    limits,
    terminations,
)


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="few of each")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    num_kills, num_ends, num_flips = (
        (2, 2, 20) if arguments.quick else (20, 10, 200)
    )
    rows = []

    def report(what: str, figure: str, is_kept: bool) -> None:
        rows.append(is_kept)
        print(f"| {what} | {figure} | {'yes' if is_kept else 'NO'} |")
        sys.stdout.flush()

    print("| what | figure | as promised |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(pathlib.Path(directory), random.Random(arguments.seed))
        dropout = CASES["dropout, float32"]
        for name, flags in CASES.items():
            figure = kills(bench, flags, num_kills)
            same, _, runs, *_ = figure.split()
            report(f"SIGKILL, same bits: {name}", figure, same == runs)
        figure = kills(
            bench,
            dropout,
            2,
            patch=WITHOUT_SEEDS,
            share=0.1,
            same=lambda result: result[:2],  # weights and history
        )
        report("the same without its seeds", figure, figure.startswith("0 of"))
        report(
            "SIGTERM: 143, goes on",
            *terminations(bench, dropout, num_ends),
        )
        report(
            "damage",
            *damages(bench, dropout, num_flips, num_flips // 2),
        )
        report("file size limit: kept", *limits(bench, dropout, num_ends))
        speedrun = CASES["speedrun_s, float32"]
        report("a worker killed", *workers.kills(bench, speedrun, num_ends))
        report(
            "a worker terminated",
            *workers.terminations(bench, speedrun, num_ends),
        )
    print()
    rows.append(data.main(num_flips // 2))
    return 0 if all(rows) else 1


if __name__ == "__main__":
    sys.exit(main())

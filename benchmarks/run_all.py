"""Runs the benchmarks that take minutes, in turn, and joins their tables.

    python benchmarks/run_all.py [--quick] [--output=DIR]

Left out is time_to_accuracy.py, which takes hours.

Writes NAME.json and NAME.md for each, and README.md with all tables, to
benchmarks/results/ or DIR. With --quick it takes about seven minutes on two
cores and writes to runs/benchmarks/; quick figures show that everything works
rather than what is faster.
Exits with 1 if a benchmark failed, after the others have run.
"""

import argparse
import pathlib
import subprocess
import sys

from harness.clone import BENCHMARKS, results_folder

_MORE = "Whole trainings are in [time_to_accuracy.md](time_to_accuracy.md).\n"
NAMES = (
    "input_pipeline",
    "train_step",
    "end_to_end",
    "guarantees",
    "distributed",
)


def main() -> int:
    """Runs what this file's docstring describes; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--output", type=pathlib.Path)
    arguments = parser.parse_args()
    directory = arguments.output or results_folder(arguments.quick)
    tables, failed = [], []
    for name in NAMES:
        output = directory / f"{name}.json"
        # By names that say the same on every machine: they are in the results.
        command = [sys.executable, f"{BENCHMARKS.name}/{name}.py"]
        command += ["--quick"] * arguments.quick
        if arguments.output:
            command.append(f"--output={output.absolute()}")
        if subprocess.run(command, cwd=BENCHMARKS.parent).returncode:
            failed.append(name)
        else:
            tables.append(output.with_suffix(".md").read_text("utf-8"))
    if tables:
        # Each table's heading goes one level down.
        index = "\n".join(
            ["# Results of the benchmarks\n", _MORE, *map("#{}".format, tables)]
        )
        (directory / "README.md").write_text(index, "utf-8")
    if failed:
        print(f"error: failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

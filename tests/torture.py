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

Then the same for data, by `torture_data.py`, which can be run alone too.
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import h5py
import numpy as np

from cifar10_tf import checkpoint
from tests import fakes, torture_data

_FLAGS = ["--dataset=cifar10", "--epochs=8", "--batch_size=30"]
_FLAGS += ["--augment=flip,crop=2", "--checkpoint_every_sec=0.1"]
CASES = {
    f"{model}, {precision}": [*flags, f"--precision={precision}"]
    for model, flags in {
        "dropout": ["--model=dropout"],
        # Trained on images that it selects, as speedrun_m is.
        "speedrun_s": ["--model=speedrun_s", "--easy_every=3"],
    }.items()
    for precision in ("float32", "mixed_bfloat16")
}
_TIMES = ("train_sec", "images_per_sec")

# The command line, but what a complete run would remove stays for comparison.
_PROGRAM = """
import shutil
shutil.rmtree = lambda *args, **kwargs: None
from cifar10_tf import main
"""
WITHOUT_SEEDS = """
import numpy as np
from cifar10_tf import checkpoint
restore = checkpoint.restore
checkpoint.restore = lambda model, arrays: restore(model, [
    np.zeros_like(array) if "seed_generator" in path else array
    for array, (path, _, _) in zip(arrays, checkpoint.describe(model))])
"""


class Bench:
    """A place for runs, and for the data that they train on."""

    def __init__(self, path: pathlib.Path, rng: random.Random):
        self.path, self.rng = path, rng
        self._alone = {}  # what runs left alone have come to, by their flags
        with contextlib.redirect_stdout(io.StringIO()):  # the table is there
            fakes.write_cifar10(path / "data", 300, 100)
        self._environment = os.environ | fakes.environment(
            cache=path / "cache", data_dir=path / "data"
        )

    def start(self, flags, run_dir, patch="", **kwargs) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM + patch + "main.run()"]
            + [*_FLAGS, *flags, f"--run_dir={run_dir}"],
            env=self._environment,
            cwd=self.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )

    def finish(self, flags, run_dir, **kwargs) -> tuple[int, str]:
        """Runs the command to its end; returns status and standard error."""
        process = self.start(flags, run_dir, **kwargs)
        error = process.communicate()[1]
        return process.returncode, error

    def expected(self, flags) -> tuple[tuple, float, float]:
        """Returns the result of a run left alone, and its seconds.

        Those to its first checkpoint, imports and the like, and those after.
        """
        name = " ".join(flags)
        if name not in self._alone:
            run_dir = self.path / "alone" / name
            times = [time.monotonic()]
            process = self.start(flags, run_dir)
            _wait_for_checkpoint(process, run_dir)
            times.append(time.monotonic())
            error = process.communicate()[1]
            times.append(time.monotonic())
            assert process.returncode == 0, error
            self._alone[name] = _result(run_dir), *np.diff(times)
        return self._alone[name]


def _wait_for_checkpoint(process, run_dir) -> None:
    def names():
        return set((run_dir / "checkpoints").glob("step-*"))

    before = names()
    while names() == before and process.poll() is None:
        time.sleep(0.005)


def _result(run_dir: pathlib.Path) -> tuple:
    """Returns what must not depend on interruptions."""
    weights = {}
    with zipfile.ZipFile(run_dir / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(
            lambda name, item: (
                weights.update({name: item[()].tobytes()})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    history = [
        {k: v for k, v in json.loads(line).items() if k not in _TIMES}
        for line in lines
    ]
    last = checkpoint.newest(run_dir / "checkpoints")
    return weights, history, last.step, [a.tobytes() for a in last.arrays]


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
                _wait_for_checkpoint(process, run_dir)
            wait_sec = share * sec + (0 if is_first else start_sec)
            time.sleep(bench.rng.uniform(0, wait_sec))
            process.kill()
            process.communicate()
            num_killed += process.returncode == -signal.SIGKILL
        status, error = bench.finish(flags, run_dir, patch=patch)
        assert status == 0, error
        if num_killed > killed_before:
            runs += 1
            equal += same(_result(run_dir)) == same(expected)
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
            good -= status != 0 or _result(run_dir) != expected
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
        _wait_for_checkpoint(process, origin)
        process.terminate()
        process.communicate()
        before = checkpoint.newest(origin / "checkpoints").step
        sizes = [p.stat().st_size for p in (origin / "checkpoints").iterdir()]
        # From a page to all but a page of a checkpoint.
        limit = 4096 + i * (max(sizes) - 8192) // max(number - 1, 1)
        status, error = bench.finish(
            flags,
            origin,
            preexec_fn=lambda limit=limit: resource.setrlimit(
                resource.RLIMIT_FSIZE, (limit, limit)
            ),
        )
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


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        report("SIGTERM: 143, goes on", *terminations(bench, dropout, num_ends))
        report("damage", *damages(bench, dropout, num_flips, num_flips // 2))
        report("file size limit: kept", *limits(bench, dropout, num_ends))
    print()
    rows.append(torture_data.main(num_flips // 2))
    return 0 if all(rows) else 1


if __name__ == "__main__":
    sys.exit(main())

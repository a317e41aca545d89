"""Damages data at random places, and counts what becomes of it.

`python -m tests.torture.data [TRIALS]` prints the table.
"""

import collections
import contextlib
import os
import pathlib
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
from absl import logging as absl_logging

from cifar10_tf.datasets import array_cache, official_archives
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.system.errors import UserError
from tests import fakes
from tests.torture.bench import start

_ROWS = 20  # of each batch file of an archive

# What may become of damaged data; each of the last two is a fault.
OUTCOMES = ("refused", "mended", "harmless", "silent", "traceback")

Arrays = list[np.ndarray]


@contextlib.contextmanager
def _machine(prepared: bool = True) -> Iterator[pathlib.Path]:
    """Yields the root of a machine of our own, offline: cache and data."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        environment = fakes.environment(root / "cache", root / "data")
        with mock.patch.dict(os.environ, environment):
            if prepared:  # TFDS says so on stdout
                with contextlib.redirect_stdout(sys.stderr):
                    fakes.write_cifar10(root / "data", 60, 40)
            yield root


@contextlib.contextmanager
def _damaged(path: pathlib.Path, rng: random.Random, truncated: bool):
    """Cuts a file off, or flips a bit of it, at a random place meanwhile."""
    place = rng.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(place)
        rest = file.read() if truncated else file.read(1)
        file.seek(place)
        if truncated:
            file.truncate()
        else:
            file.write(bytes([rest[0] ^ 1 << rng.randrange(8)]))
    try:
        yield
    finally:
        if path.exists():
            with path.open("r+b") as file:
                file.seek(place)
                file.write(rest)


def _count(
    files: Callable[[], list[pathlib.Path]],
    load: Callable[[], Arrays],
    trials: int,
    seed: int,
) -> dict[str, collections.Counter]:
    """Loads data so many times flipped, and so many times truncated.

    Args:
        files: lists the files of which one, any of them, is damaged.
        load: returns the arrays, or raises UserError.
    """
    rng, expected = random.Random(seed), load()
    counts = {"bit flips": collections.Counter()}
    counts["truncations"] = collections.Counter()
    for kind, counter in counts.items():
        for _ in range(trials):
            path = rng.choice(files())
            with _damaged(path, rng, truncated=kind == "truncations"):
                outcome = _outcome(load, expected, path)
            counter[outcome] += 1
            if outcome in ("silent", "traceback"):
                print(f"{kind} of {path}: {outcome}", file=sys.stderr)
    return counts


def _outcome(load, expected: Arrays, damaged: pathlib.Path) -> str:
    with mock.patch.object(array_cache._log, "warning") as warning:
        try:
            arrays = load()
        except UserError as error:
            named = str(damaged.parent) in str(error)
            return "refused" if named else "traceback"
        except Exception:
            return "traceback"
    if not all(map(np.array_equal, arrays, expected)):
        return "silent"
    return "mended" if warning.called else "harmless"


def _load_prepared() -> Arrays:
    """Loads what "auto" stands for: nothing else may take its place."""
    dataset = load_dataset(resolve_dataset("auto", ""), "")
    return [*dataset.train, *dataset.test, np.array(dataset.class_names)]


def prepared_data(trials: int, seed: int = 0):
    """Damages any file of a prepared directory."""
    with _machine() as root:
        files = sorted((root / "data/cifar10/3.0.2").iterdir())
        return _count(lambda: files, _load_prepared, trials, seed)


def decoded_cache(trials: int, seed: int = 0):
    """Damages any file of the cache of decoded arrays."""
    with _machine() as root:

        def files():
            (manifest,) = root.rglob("manifest.json")
            return sorted(manifest.parent.iterdir())

        return _count(files, _load_prepared, trials, seed)


def published_files(trials: int, seed: int = 0):
    """Damages the archives, and the batch files unpacked from them."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        fakes.write_published(root, _ROWS)
        files = sorted(path for path in root.rglob("*") if path.is_file())

        def load():
            sources = [f.archive for f in official_archives.FORMS]
            sources += [f.directory for f in official_archives.FORMS]
            splits = [
                official_archives.read(official_archives.find(root / name))
                for name in sources
            ]
            return [array for s in splits for a in s.values() for array in a]

        with fakes.published_in(root, _ROWS):
            return _count(lambda: files, load, trials, seed)


def first_runs() -> dict[str, int]:
    """Begins in four processes at once without data; counts successes."""
    with _machine(prepared=False) as root:
        fakes.write_published(root / "files", _ROWS)
        archive = str(root / "files" / official_archives.FORMS[0].archive)
        return {
            "train, synthetic10": _successes(
                root,
                "Everything is in ",
                ["--dataset=synthetic10", "--max_train_examples=64"]
                + ["--model=speedrun_s", "--epochs=1", "--batch_size=16"]
                + [f"--run_dir={root}/run{{i}}"],
            ),
            "prepare, cifar10 from an archive": _successes(
                root, " is ready: ", ["prepare", archive]
            ),
        }


def _successes(root: pathlib.Path, says: str, arguments: list[str]) -> int:
    program = f"""
import pathlib
from cifar10_tf import main
from tests import fakes, undrawn
undrawn.start()
with fakes.published_in(pathlib.Path({str(root / "files")!r}), {_ROWS}):
    with fakes.small_synthetic10():
        main.run()
"""
    processes = [
        start(*(a.format(i=i) for a in arguments), program=program)
        for i in range(4)
    ]
    successes = 0
    for process in processes:
        out, error = process.communicate()
        is_done = process.returncode == 0 and says in out
        successes += is_done
        if not is_done:
            print(error, file=sys.stderr)
    return successes


def seconds_to_an_error() -> dict[str, float]:
    """Asks for CIFAR-10 where it can't be had; returns seconds to the error.

    Raises:
        AssertionError: there was none, or not just a line.
    """
    seconds = {}
    with (
        _machine(prepared=False) as root,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for name, proxy in (
            ("offline", os.environ["https_proxy"]),
            ("a server that never answers", address),
        ):
            start = time.monotonic()
            result = fakes.run_main(
                "--dataset=cifar10",
                cwd=root,
                env=os.environ | {"https_proxy": proxy, "HTTPS_PROXY": proxy},
            )
            seconds[name] = time.monotonic() - start
            assert result.returncode == 1, result
            assert result.stderr.startswith("error: CIFAR-10 is not"), result
            assert result.stderr.count("\n") == 1, result
    return seconds


def main(trials: int = 100) -> bool:
    """Prints every figure; tells whether all are as promised."""
    absl_logging.set_verbosity("fatal")
    are_kept = []
    print(f"| damage | tried | {' | '.join(OUTCOMES)} |")
    print("|---|" + "---:|" * (1 + len(OUTCOMES)))
    for subject in (prepared_data, decoded_cache, published_files):
        for kind, counts in subject(trials).items():
            row = [f"{subject.__name__}, {kind}", trials]
            row += [counts[outcome] for outcome in OUTCOMES]
            print(f"| {' | '.join(map(str, row))} |", flush=True)
            are_kept.append(not counts["silent"] and not counts["traceback"])
    print()
    for name, count in first_runs().items():
        print(f"- {count} of 4 first runs at once succeed: {name}", flush=True)
        are_kept.append(count == 4)
    for name, sec in seconds_to_an_error().items():
        print(f"- {sec:.1f} s to the error: {name}", flush=True)
        are_kept.append(sec < 10)
    return all(are_kept)


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))

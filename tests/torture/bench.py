"""Where small trainings run, each in a process of its own."""

import contextlib
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np

from cifar10_tf.runs import checkpoint
from cifar10_tf.studies.executors.worker_process import free_port
from cifar10_tf.system.cluster import Cluster
from tests import fakes

_ROOT = pathlib.Path(__file__).parents[2]

_FLAGS = ["--dataset=cifar10", "--epochs=8", "--batch_size=30"]
_FLAGS += ["--augment=flip,crop=2", "--checkpoint_every_sec=0.1"]
CASES = {
    f"{model}, {precision}": [*flags, f"--precision={precision}"]
    for model, flags in {
        "dropout": ["--model=dropout"],
        # Trained on images that it selects, small ones first, as speedrun_m
        # is.
        "speedrun_s": [
            *("--model=speedrun_s", "--easy_every=3", "--low_resolution=0.4")
        ],
    }.items()
    for precision in ("float32", "mixed_bfloat16")
}
_TIMES = ("train_sec", "images_per_sec")

# The command line, but what a complete run would remove stays for comparison.
_PROGRAM = """
from cifar10_tf import main
from cifar10_tf.runs import checkpoint_files
checkpoint_files.remove_all = lambda directory: None
"""


def start(*arguments, program: str, **kwargs) -> subprocess.Popen:
    """Starts a program in a process that has imported nothing."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


class Bench:
    """A place for runs, and for the data that they train on.

    Args:
        start: starts a program with arguments, `env` and `cwd`.
    """

    def __init__(self, path: pathlib.Path, rng: random.Random, start=start):
        self.path, self.rng, self._start = path, rng, start
        self._alone = {}  # what runs left alone have come to, by their flags
        with contextlib.redirect_stdout(io.StringIO()):  # the table is there
            fakes.write_cifar10(path / "data", 300, 100)
        self._environment = os.environ | fakes.environment(
            cache=path / "cache", data_dir=path / "data"
        )
        self._environment["PYTHONPATH"] = str(_ROOT)

    def start(self, flags, run_dir, patch="", variables=None):
        """Starts a training, after `patch`, a program."""
        return self._start(
            *(*_FLAGS, *flags, f"--run_dir={run_dir}"),
            program=f"{_PROGRAM}{patch}\nmain.run()",
            env=self._environment | (variables or {}),
            cwd=self.path,
        )

    def start_workers(self, flags, run_dir, num=2) -> list:
        """Starts processes that train together."""
        addresses = tuple(f"127.0.0.1:{free_port(i, num)}" for i in range(num))
        return [
            self.start(
                flags,
                run_dir,
                variables={"TF_CONFIG": Cluster(addresses, i).tf_config()},
            )
            for i in range(num)
        ]

    def finish(self, flags, run_dir, patch="") -> tuple[int, str]:
        """Runs a training to its end; returns status and standard error."""
        process = self.start(flags, run_dir, patch)
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
            wait_for_checkpoint(process, run_dir)
            times.append(time.monotonic())
            error = process.communicate()[1]
            times.append(time.monotonic())
            assert process.returncode == 0, error
            self._alone[name] = result_of(run_dir), *np.diff(times)
        return self._alone[name]


def wait_for_checkpoint(process, run_dir) -> None:
    """Waits for the next one, or for the end of the process."""

    def names():
        return set((run_dir / "checkpoints").glob("step-*"))

    before = names()
    while names() == before and process.poll() is None:
        time.sleep(0.005)


def result_of(run_dir: pathlib.Path) -> tuple:
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

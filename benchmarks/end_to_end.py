"""Times `fit` against the bare training step, the precisions, and the start.

    python benchmarks/end_to_end.py [--quick] [--output=FILE.json]

For the dropout model at batch 256, in float32 and in the precision that this
machine gains from, in turn:

- fit, flip+crop: `loop.fit` on the training pipeline, which mirrors
  and shifts the images, progress and callbacks included;
- constant batch: the same compiled step, fed one batch over and over.

Prints images per second, and the ratios within each round: what `fit` and the
pipeline leave of the bare step's speed (their tax is what is missing from 1),
and what the precision gains.

Then the same training, in that precision, begun in fresh processes one after
the other: the seconds from the start of the process to the end of the first
training step, in parts (import: Python, this package, TensorFlow; data: found,
verified, divided, laid out for flips and crops; model: built and compiled;
first step: traced and run), and the peak memory of its first steps. The data
are those that `--dataset=auto` trains on, decoded before.
"""

import json
import subprocess
import sys
import time

import numpy as np
from harness.fresh_process import start
from harness.report import parser, ratios, report, row
from harness.subjects import in_turn
from harness.training_step import BareStep, compiled_model

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.pipeline.batches import make_train
from cifar10_tf.training import loop, precision
from cifar10_tf.training.callbacks.throughput import Throughput

_BATCH_SIZE = 256
_NUM_EXAMPLES = 35_000


class _Subject:
    """A compiled model and its two ways to train."""

    def __init__(self, policy: str, images, labels, num_steps: int):
        precision.set_policy(policy)
        self._model = compiled_model("dropout")
        self._num_steps = num_steps
        self._train = make_train(
            images,
            labels,
            num_classes=10,
            batch_size=_BATCH_SIZE,
            seed=1,
            augment="flip,crop=4",
        )
        self._bare_step = BareStep(self._model, self._train)

    def fit(self) -> float:
        """Returns images per second of `fit`, its first step left out."""
        throughput = Throughput(self._num_steps * _BATCH_SIZE, _BATCH_SIZE)
        loop.fit(
            self._model,
            {0: self._train},
            epochs=1,
            steps_per_epoch=self._num_steps,
            callbacks=[throughput],
            verbose=2,
        )
        return throughput.images_per_sec

    def constant_batch(self) -> float:
        """Returns images per second of the bare step."""
        self._bare_step.run()
        start_sec = time.perf_counter()
        for _ in range(self._num_steps - 1):
            self._bare_step.run()
        self._bare_step.wait()
        sec = time.perf_counter() - start_sec
        return (self._num_steps - 1) * _BATCH_SIZE / sec


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    arguments = parser(__doc__).parse_args()
    num_steps, repeats, num_starts = (
        (6, 2, 1) if arguments.quick else (17, 13, 5)
    )
    # First, while this process has little memory and no GPU's.
    rows = _starts(num_starts) + _speeds(num_steps, repeats)
    report("end_to_end", rows, arguments)


def _speeds(num_steps: int, repeats: int) -> list[dict]:
    """Times `fit` and the bare step in both precisions."""
    policy, _ = precision.for_this_machine()
    policies = list(dict.fromkeys(["float32", policy]))
    rng = np.random.RandomState(0)  # speed does not depend on the content
    images = rng.randint(0, 256, (_NUM_EXAMPLES, 32, 32, 3)).astype(np.uint8)
    labels = rng.randint(0, 10, _NUM_EXAMPLES)
    subjects, pairs = {}, {}
    for name in policies:
        subject = _Subject(name, images, labels, num_steps)
        fit, bare = f"{name}, fit, flip+crop", f"{name}, constant batch"
        subjects[fit], subjects[bare] = subject.fit, subject.constant_batch
        pairs[f"{name}: fit, flip+crop / constant batch"] = fit, bare
    if policy != "float32":
        pairs[f"fit, flip+crop: {policy} / float32"] = (
            f"{policy}, fit, flip+crop",
            "float32, fit, flip+crop",
        )
    values = in_turn(subjects, repeats)

    rows = [
        row(case, "cifar10_tf", "images_per_sec", "images/s", v)
        for case, v in values.items()
    ]
    for case, (above, below) in pairs.items():
        shares = ratios(values[above], values[below])
        rows.append(row(case, "cifar10_tf", "ratio", "1", shares))
    return rows


def _starts(repeats: int) -> list[dict]:
    """Times the start of a training and takes its memory."""
    dataset_name = resolve_dataset("auto", "")
    load_dataset(dataset_name, "")  # decodes, once
    starts = []
    for number in range(1, repeats + 1):
        output = _first_steps(dataset_name)
        starts.append(json.loads(output))
        print(f"{number}/{repeats} start: {output}", end="", file=sys.stderr)

    rows = []

    def add(case: str, metric: str, unit: str, values) -> None:
        case = f"{case}, {dataset_name}"
        rows.append(row(case, "cifar10_tf", metric, unit, values))

    for part in starts[0]["parts_sec"]:
        values = [s["parts_sec"][part] for s in starts]
        add(f"start: {part}", "sec", "s", values)
    for metric, unit in (("first_step_sec", "s"), ("peak_rss_mib", "MiB")):
        if all(s[metric] for s in starts):
            add("start", metric, unit, [s[metric] for s in starts])
    return rows


def _first_steps(dataset_name: str) -> str:
    process = start(
        "first_training_steps",
        dataset_name,
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"error: a training ended with {process.returncode}.")
    return output


if __name__ == "__main__":
    main()

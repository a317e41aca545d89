"""Times `fit` against the bare training step, the precisions, and the start.

    python benchmarks/end_to_end.py [--quick] [--output=FILE.json]

For the dropout model at batch 256, in float32 and in the precision that this
machine gains from, in turn:

- fit, flip+crop: `training_loop.fit` on the training pipeline, which mirrors
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
import pathlib
import subprocess
import sys
import time

import harness
import keras
import numpy as np

from cifar10_tf import (
    callbacks,
    datasets,
    models,
    pipeline,
    precision,
    training_loop,
)

_BATCH_SIZE = 256
_NUM_EXAMPLES = 35_000
_FIRST_STEPS = pathlib.Path(__file__).with_name("_first_steps.py")


class _Subject:
    """A compiled model and its two ways to train."""

    def __init__(self, policy: str, images, labels, num_steps: int):
        keras.config.set_dtype_policy(policy)
        self._model = models.build_model("dropout")
        self._model.compile(
            "rmsprop", "categorical_crossentropy", metrics=["accuracy"]
        )
        self._num_steps = num_steps
        self._train = pipeline.make_train(
            images,
            labels,
            num_classes=10,
            batch_size=_BATCH_SIZE,
            seed=1,
            augment="flip,crop=4",
        )
        # Of the pipeline's own type, so that both run the same traced step.
        constant = self._train.take(1).cache().repeat()
        self._constant = iter(constant)
        self._model.make_train_function()

    def fit(self) -> float:
        """Returns images per second of `fit`, its first step left out."""
        throughput = callbacks.Throughput(
            self._num_steps * _BATCH_SIZE, _BATCH_SIZE
        )
        training_loop.fit(
            self._model,
            self._train,
            epochs=1,
            steps_per_epoch=self._num_steps,
            callbacks=[throughput],
            verbose=2,
        )
        return throughput.images_per_sec

    def constant_batch(self) -> float:
        """Returns images per second of the bare step."""
        self._model.train_function(self._constant)
        start = time.perf_counter()
        for _ in range(self._num_steps - 1):
            self._model.train_function(self._constant)
        int(self._model.optimizer.iterations)  # waits for the device
        sec = time.perf_counter() - start
        return (self._num_steps - 1) * _BATCH_SIZE / sec


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    arguments = harness.parser(__doc__).parse_args()
    num_steps, repeats, num_starts = (
        (6, 2, 1) if arguments.quick else (17, 13, 5)
    )
    # First, while this process has little memory and no GPU's.
    rows = _starts(num_starts) + _speeds(num_steps, repeats)
    harness.report("end_to_end", rows, arguments)


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
    values = harness.in_turn(subjects, repeats)

    rows = [
        harness.row(case, "cifar10_tf", "images_per_sec", "images/s", v)
        for case, v in values.items()
    ]
    for case, (above, below) in pairs.items():
        ratios = [
            a / b for a, b in zip(values[above], values[below], strict=True)
        ]
        rows.append(harness.row(case, "cifar10_tf", "ratio", "1", ratios))
    return rows


def _starts(repeats: int) -> list[dict]:
    """Times the start of a training and takes its memory."""
    dataset_name = datasets.resolve("auto", "")
    datasets.load(dataset_name, "")  # decodes, once
    starts = []
    for number in range(1, repeats + 1):
        output = subprocess.check_output(
            [sys.executable, _FIRST_STEPS, dataset_name], text=True
        )
        starts.append(json.loads(output))
        print(f"{number}/{repeats} start: {output}", end="", file=sys.stderr)

    def row(case: str, metric: str, unit: str, values) -> dict:
        case = f"{case}, {dataset_name}"
        return harness.row(case, "cifar10_tf", metric, unit, values)

    rows = [
        row(
            f"start: {part}", "sec", "s", [s["parts_sec"][part] for s in starts]
        )
        for part in starts[0]["parts_sec"]
    ]
    for metric, unit in (("first_step_sec", "s"), ("peak_rss_mib", "MiB")):
        if all(s[metric] for s in starts):
            rows.append(row("start", metric, unit, [s[metric] for s in starts]))
    return rows


if __name__ == "__main__":
    main()

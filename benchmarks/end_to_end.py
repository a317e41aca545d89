"""Times `fit` against the bare training step, and the precisions.

    python benchmarks/end_to_end.py [--quick] [--output=FILE.json]

For the dropout model at batch 256, in float32 and in the precision that this
machine gains from, in turn:

- fit: `model.fit` on the training pipeline, progress and callbacks included;
- constant batch: the same compiled step, fed one batch over and over.

Prints images per second, and the ratios within each round: what `fit` and the
pipeline leave of the bare step's speed, and what the precision gains.
Images are random: their content does not matter to speed.
"""

import time

import harness
import keras
import numpy as np

from cifar10_tf import callbacks, models, pipeline, precision

_BATCH_SIZE = 256
_NUM_EXAMPLES = 35_000


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
            images, labels, num_classes=10, batch_size=_BATCH_SIZE, seed=1
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
        self._model.fit(
            self._train,
            steps_per_epoch=self._num_steps,
            callbacks=[throughput],
            shuffle=False,
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
    arguments = harness.parse_arguments(__doc__)
    num_steps, repeats = (9, 4) if arguments.quick else (17, 14)
    policy, _ = precision.for_this_machine()
    policies = list(dict.fromkeys(["float32", policy]))
    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (_NUM_EXAMPLES, 32, 32, 3)).astype(np.uint8)
    labels = rng.randint(0, 10, _NUM_EXAMPLES)
    subjects = {}
    for name in policies:
        subject = _Subject(name, images, labels, num_steps)
        subjects[f"{name}, fit"] = subject.fit
        subjects[f"{name}, constant batch"] = subject.constant_batch
    values = harness.in_turn(subjects, repeats)

    rows = [
        harness.row(case, "cifar10_tf", "images_per_sec", "images/s", v)
        for case, v in values.items()
    ]
    pairs = {
        f"{name}: fit / constant batch": (
            f"{name}, fit",
            f"{name}, constant batch",
        )
        for name in policies
    }
    if policy != "float32":
        pairs[f"fit: {policy} / float32"] = (f"{policy}, fit", "float32, fit")
    for case, (above, below) in pairs.items():
        ratios = [
            a / b for a, b in zip(values[above], values[below], strict=True)
        ]
        rows.append(harness.row(case, "cifar10_tf", "ratio", "1", ratios))
    harness.report("end_to_end", rows, arguments.output)


if __name__ == "__main__":
    main()

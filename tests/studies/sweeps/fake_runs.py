"""Runs of a sweep that nobody trains: their accuracy is a known function."""

import json
import math
from collections.abc import Callable

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.studies.executors.executor import Job
from tests import fakes

# Where the best is: at this learning rate and label smoothing.
BEST = {"learning_rate": 0.1, "label_smoothing": 0.15}


def accuracy(config: Config) -> float:
    """Returns at most 0.9, a little more or less by seed."""
    far = math.log10(config.learning_rate / BEST["learning_rate"]) ** 2
    far += 4 * (config.label_smoothing - BEST["label_smoothing"]) ** 2
    return 0.9 - 0.3 * far + 0.001 * (config.seed % 3 - 1)


def make(job: Job, result: Callable[[Config], float] = accuracy) -> int:
    """Leaves what a complete run would, with its epochs on the way there."""
    config = job.config
    run = RunDirectory(config.run_dir)
    run.open(config)
    final = result(config)
    lines = []
    for epoch in range(1, config.epochs + 1):
        share = final * epoch / config.epochs
        row = {"epoch": epoch, "val_accuracy": share, "val_loss": 1 - share}
        lines.append(json.dumps(row) + "\n")
        run.metrics.write_text("".join(lines))
        if job.is_hopeless():
            run.close()
            return -15
    fakes.write_results(run)
    run.complete(fakes.SUMMARY | {"validation_accuracy": final})
    return 0

"""What the server says of the model that it answers with."""

from typing import Any

from cifar10_tf.datasets import names
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.runs.run_directory import RunDirectory


def of_run(
    run: RunDirectory, runtime: Runtime, speeds: dict[str, dict]
) -> dict[str, Any]:
    """Returns what it was trained on, how good it is, and what computes it.

    Raises:
        UserError: the run is not complete.
    """
    summary = run.read_summary()
    copied = (
        "model", "dataset", "seed", "precision", "num_params",
        "num_train_examples", "num_test_examples", "test_accuracy",
        "test_accuracy_ci95", "per_class_accuracy", "versions",
    )  # fmt: skip
    return {
        "title": f"{summary['model']} on {names.title(summary['dataset'])}",
        "classes": list(runtime.class_names),
        "runtime": runtime.name,
        "speeds": speeds,
        **{name: summary[name] for name in copied},
    }

"""The result of a run as lines for a terminal."""

from collections.abc import Sequence

from cifar10_tf.datasets import names
from cifar10_tf.evaluation.corruptions import result_file
from cifar10_tf.evaluation.statistics import mean_and_interval

_OF_SPLIT = {"train": "training"}


def describe_result(summary: dict) -> str:
    """Returns the test accuracy, over all and by class, with its interval.

    Args:
        summary: what `summary.json` says of settings and test split.
    """
    result = {
        name.removeprefix("test_"): value for name, value in summary.items()
    }
    return describe_evaluation(
        result | {"trained_on": summary["dataset"], "split": "test"}
    )


def describe_evaluation(result: dict) -> str:
    """Returns the accuracies that `evaluate` found.

    Args:
        result: what it writes into a file.
    """
    dataset, split = result["dataset"], result["split"]
    accuracy = f"{_OF_SPLIT.get(split, split)} accuracy"
    model = result["model"]
    if result["trained_on"] != dataset:
        model += f", trained on {names.title(result['trained_on'])},"
    lines = [
        f"{model} on {names.title(dataset)}, seed {result['seed']}: {accuracy} "
        f"{_with_interval(result, 'accuracy')}, loss {result['loss']:.3f}"
    ]
    per_class = result["per_class_accuracy"]
    width = max(map(len, per_class))
    for name, share in per_class.items():
        shown = f"no {split} images" if share is None else f"{share:.1%}"
        lines.append(f"  {name:<{width}}  {shown}")
    if "accuracy_tta" in result:
        lines.append(
            f"With test-time augmentation: {accuracy} "
            f"{_with_interval(result, 'accuracy_tta')}"
        )
    if "corruptions" in result:
        lines.append(_describe_corruptions(result["corruptions"], result))
    return "\n".join(lines)


def describe_mean(accuracies: Sequence[float]) -> str:
    """Returns the mean over a study's runs, of two at least."""
    many = mean_and_interval(accuracies)
    text = f"Mean of {len(accuracies)} runs: accuracy {many['mean']:.2%}"
    if len(accuracies) == 2:  # of so few the interval is of any size
        return text
    low, high = many["ci95"]
    return f"{text} (95 % interval of the mean {low:.2%} to {high:.2%})"


def _with_interval(result: dict, name: str) -> str:
    low, high = result[f"{name}_ci95"]
    return f"{result[name]:.2%} (95 % interval {low:.2%} to {high:.2%})"


def _describe_corruptions(corruptions: dict, result: dict) -> str:
    """Returns a table, type by severity, and the mean over it."""
    accuracy, sources = corruptions["accuracy"], corruptions["sources"]
    severities = corruptions["severities"]
    is_mixed = len(set(sources.values())) > 1
    source = result_file.source_text(corruptions["source"])
    width = max(map(len, accuracy))
    lines = [
        f"Accuracy on corrupted {result['split']} images ({source}), %:",
        f"  {'severity':<{width}}"
        + "".join(f"{s:>7}" for s in [*severities, "mean"]),
    ]
    for name, row in accuracy.items():
        line = _row(name, width, [*row, sum(row) / len(row)])
        lines.append(f"{line}  {sources[name]}" if is_mixed else line)
    mean = [*corruptions["mean_by_severity"], corruptions["mean_accuracy"]]
    lines.append(_row("mean", width, mean))
    over_all = _with_interval(corruptions, "mean_accuracy")
    lines.append(
        f"Mean corruption accuracy {over_all} over {len(accuracy)} types at "
        f"{len(severities)} severities"
    )
    return "\n".join(lines)


def _row(name: str, width: int, shares: list[float]) -> str:
    return f"  {name:<{width}}" + "".join(f"{100 * s:>7.1f}" for s in shares)

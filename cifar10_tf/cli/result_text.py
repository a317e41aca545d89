"""The result of a run as lines for a terminal."""

from cifar10_tf.datasets import names


def describe_result(summary: dict) -> str:
    """Returns the test accuracy, over all and by class, with its interval.

    Args:
        summary: what `summary.json` says of settings and test split.
    """
    low, high = summary["test_accuracy_ci95"]
    lines = [
        f"{summary['model']} on {names.title(summary['dataset'])}, seed "
        f"{summary['seed']}: test accuracy {summary['test_accuracy']:.2%} "
        f"(95 % interval {low:.2%} to {high:.2%}), loss "
        f"{summary['test_loss']:.3f}"
    ]
    per_class = summary["per_class_accuracy"]
    width = max(map(len, per_class))
    for name, accuracy in per_class.items():
        share = "no test images" if accuracy is None else f"{accuracy:.1%}"
        lines.append(f"  {name:<{width}}  {share}")
    if "test_accuracy_tta" in summary:
        low, high = summary["test_accuracy_tta_ci95"]
        lines.append(
            "With test-time augmentation: test accuracy "
            f"{summary['test_accuracy_tta']:.2%} (95 % interval {low:.2%} to "
            f"{high:.2%})"
        )
    return "\n".join(lines)

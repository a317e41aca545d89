"""What a notebook shows of a run."""

from cifar10_tf.datasets import names
from cifar10_tf.report import page
from cifar10_tf.runs.run_directory import RunDirectory


def to_html(directory: RunDirectory) -> str:
    """Returns a line on a run, complete or not, as HTML.

    Raises:
        UserError: it is no run, or damaged.
    """
    config = directory.read_config()
    is_complete = directory.summary.exists()
    is_begun = directory.metrics.exists()
    return page.render(
        "run_notebook.html",
        title=f"{config.model} on {names.title(config.dataset)}",
        seed=config.seed,
        summary=directory.read_summary() if is_complete else None,
        num_epochs=len(directory.read_metrics()) if is_begun else 0,
        is_substitute=config.dataset == "synthetic10",
        path=directory.path,
    )

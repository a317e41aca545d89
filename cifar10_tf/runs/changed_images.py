"""Warnings of a folder whose images are no longer those of a run."""

import logging
from collections.abc import Sequence

from cifar10_tf.datasets import names
from cifar10_tf.datasets.loading import ImageDataset
from cifar10_tf.datasets.resolving import folder_digest
from cifar10_tf.runs.run_directory import RunDirectory

_log = logging.getLogger(__name__)

# What the summary of a run of a folder has; older ones have it not.
_DIGEST = "folder_digest"


def warn_of_figures(complete: Sequence[RunDirectory], dataset: str) -> None:
    """Warns where complete runs are of other images than the dataset has now.

    Reads the files, and decodes none.
    """
    digests = {run: run.read_summary().get(_DIGEST) for run in complete}
    if not any(digests.values()) or not (now := folder_digest(dataset)):
        return
    for run, then in digests.items():
        if then and then != now:
            _log.warning(
                "the images in %s have changed since the run in %s was made. "
                "Its figures are of the earlier ones. To train on these, add "
                "--restart or choose another --run_dir.",
                names.folder(dataset),
                run.path,
            )


def warn_of_evaluation(summary: dict, dataset: ImageDataset) -> None:
    """Warns where a run of a folder is evaluated on other images of one."""
    then, now = summary.get(_DIGEST), dataset.folder_digest
    if then and now and then != now:
        _log.warning(
            "the images in %s are not, or no longer, those of the training. "
            "What follows is of them as they are now; summary.json is of those "
            "of the training.",
            dataset.source,
        )

"""Whether a folder's images are still those of a run, wherever they are."""

import logging
import pathlib
from collections.abc import Mapping

from cifar10_tf.datasets import image_folder, names
from cifar10_tf.datasets.loading import ImageDataset
from cifar10_tf.settings.config import Config

_log = logging.getLogger(__name__)

# What the summary of a run of a folder has; older ones have it not.
_DIGEST = "folder_digest"


def digest(dataset: str) -> str | None:
    """Returns what a folder's images are known by; None of another dataset.

    Reads the files, and decodes none.

    Raises:
        UserError: as of `image_folder.find`.
    """
    root = names.folder(dataset)
    return image_folder.digest(image_folder.find(root)) if root else None


def follow_folder(
    of_run: Config, config: Config, summary: dict | None
) -> Config:
    """Returns a run's config, with the folder of another if it has moved there.

    Where images are is no setting, but what they are.

    Args:
        summary: of a complete run; of one that is not, a checkpoint knows the
            images.
    """
    moved = of_run.with_folder_of(config)
    if moved == of_run or summary is None:
        return moved
    is_same = summary.get(_DIGEST) == digest(config.dataset)
    return moved if is_same else of_run


def warn_of_figures(
    summaries: Mapping[pathlib.Path, dict], dataset: str
) -> None:
    """Warns where complete runs are of other images than the dataset has now.

    Args:
        summaries: by the runs' directories.
    """
    digests = {path: s.get(_DIGEST) for path, s in summaries.items()}
    if not any(digests.values()) or not (now := digest(dataset)):
        return
    for path, then in digests.items():
        if then and then != now:
            _log.warning(
                "the images in %s have changed since the run in %s was made. "
                "Its figures are of the earlier ones. To train on these, add "
                "--restart or choose another --run_dir.",
                names.folder(dataset),
                path,
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

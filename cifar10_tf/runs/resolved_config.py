"""A config as asked for -> one that says what data and which directory."""

import dataclasses

from cifar10_tf.datasets import names
from cifar10_tf.datasets.resolving import folder_digest, resolve_dataset
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.settings.config import Config


def resolve_config(config: Config, num_runs: int = 1) -> Config:
    """Returns the config with its dataset, data_dir and run_dir filled in.

    "auto" becomes a dataset, and an empty directory the one that it stands for.
    A config that is resolved already stays as it is.

    Args:
        num_runs: with so many seeds, for which another directory stands.

    Raises:
        UserError: as `resolve_dataset` does.
    """
    dataset = resolve_dataset(config.dataset, config.data_dir)
    # For any number of runs: five more go on with those that there are.
    seeds = f"seed{config.seed}"
    if num_runs > 1:
        seeds = f"seeds-from-{config.seed}"
    return dataclasses.replace(
        config,
        dataset=dataset,
        # As TFDS_DATA_DIR is now: another shell may have another.
        data_dir=str(prepared_files.data_root(dataset, config.data_dir)),
        run_dir=config.run_dir
        or f"runs/{names.slug(dataset)}-{config.model}-{seeds}",
    )


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
    then = summary.get("folder_digest")  # older runs have none
    return moved if then and then == folder_digest(config.dataset) else of_run

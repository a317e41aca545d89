"""Train, evaluate, draw and write the run directory (the default)."""

import dataclasses

from cifar10_tf.cli import flags
from cifar10_tf.cli.flags import FLAGS
from cifar10_tf.cli.result_text import describe_result
from cifar10_tf.datasets import names
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import prepared_files
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system import interruption, tensorflow_startup


def run() -> None:
    """Makes the run, or the runs, that the flags ask for, or goes on."""
    config = flags.config_from_flags()
    interruption.set_max_minutes(FLAGS.max_minutes)
    dataset = resolve_dataset(config.dataset, config.data_dir)
    seeds = f"seed{config.seed}"
    if FLAGS.num_runs > 1:
        seeds = f"seeds{config.seed}-{config.seed + FLAGS.num_runs - 1}"
    config = dataclasses.replace(
        config,
        dataset=dataset,
        # As TFDS_DATA_DIR is now: another shell may have another.
        data_dir=str(prepared_files.data_root(dataset, config.data_dir)),
        run_dir=config.run_dir
        or f"runs/{names.slug(dataset)}-{config.model}-{seeds}",
    )
    if FLAGS.num_runs > 1:
        _train_study(config)
    else:
        _train_run(config)


def _train_run(config: Config) -> None:
    directory = RunDirectory(config.run_dir)
    if FLAGS.restart:
        directory.check_replaceable()
    elif directory.is_complete(config):
        print(
            f"Nothing left to do: {directory.path} holds this very run, "
            "complete."
        )
        return
    tensorflow_startup.start_tensorflow()
    from cifar10_tf.training import trainer

    summary = trainer.train(
        config,
        restart=FLAGS.restart,
        checkpoint_every_sec=FLAGS.checkpoint_every_sec,
    )
    print(describe_result(summary))
    print(f"Everything is in {directory.path}")


def _train_study(config: Config) -> None:
    from cifar10_tf.studies import seeds, summary

    result = seeds.train(
        config,
        FLAGS.num_runs,
        restart=FLAGS.restart,
        run_flags=[
            f"--checkpoint_every_sec={FLAGS.checkpoint_every_sec}",
            f"--debug={FLAGS.debug}",
        ],
    )
    print(summary.table(result))
    print(f"Everything is in {RunDirectory(config.run_dir).path}")

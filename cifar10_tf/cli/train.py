"""Train, evaluate, draw and write the run directory (the default)."""

import shlex
import sys

from cifar10_tf import api
from cifar10_tf.cli import flags
from cifar10_tf.cli.flags import FLAGS
from cifar10_tf.cli.result_text import describe_result
from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system import interruption


def run() -> None:
    """Makes the run, or the runs, that the flags ask for, or goes on."""
    config = flags.config_from_flags()
    interruption.set_max_minutes(FLAGS.max_minutes)
    if FLAGS.num_runs > 1:
        _train_study(config)
    else:
        _train_run(config)


def _train_run(config: Config) -> None:
    config = resolve_config(config)
    if result := api.find_complete(config, restart=FLAGS.restart):
        print(
            f"Nothing left to do: {result.path} holds this very run, complete."
        )
        return
    result = api.make_run(
        config,
        restart=FLAGS.restart,
        checkpoint_every_sec=FLAGS.checkpoint_every_sec,
        command=shlex.join(["cifar10-tf", *sys.argv[1:]]),
    )
    print(describe_result(result.summary))
    print(f"Everything is in {result.path}")


def _train_study(config: Config) -> None:
    from cifar10_tf.studies import seeds, summary

    config = resolve_config(config, FLAGS.num_runs)
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

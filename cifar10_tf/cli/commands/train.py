"""Train, evaluate, draw and write the run directory (the default)."""

import shlex
import sys

from cifar10_tf import api
from cifar10_tf.cli import flags
from cifar10_tf.cli.result_text import describe_result
from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.settings.options import Options
from cifar10_tf.system import cluster, interruption
from cifar10_tf.system.errors import UserError

TAKES = flags.OF_TRAINING

# Of a study, or of several workers: the same for every process.
_OF_EACH_RUN = (
    "checkpoint_every_sec",
    "debug",
    "devices",
    "tensorboard",
    "profile_steps",
)


def run() -> None:
    """Makes the run, or the runs, that the flags ask for, or goes on."""
    config, options = flags.config_and_options()
    interruption.set_max_minutes(options.max_minutes)
    if options.num_runs > 1:
        _train_study(config, options)
    elif options.num_workers > 1:
        _train_with_workers(config, options)
    elif options.engine != "processes":
        raise UserError(
            f"--engine={options.engine} makes the runs of --num_runs=N or of "
            "sweep, or one with --num_workers=N; a single process is made here."
        )
    else:
        _train_run(config, options)


def _train_run(config: Config, options: Options) -> None:
    command = shlex.join(["cifar10-tf", *sys.argv[1:]])
    result = api.make_run(config, options, command)
    workers = cluster.from_environment()
    if workers and not workers.is_chief:
        return  # the first one says it
    print(describe_result(result.summary))
    page = RunDirectory(result.path).report
    shown = f"; {page.name} shows it" * page.exists()
    print(f"Everything is in {result.path}{shown}.")


def _train_with_workers(config: Config, options: Options) -> None:
    if cluster.from_environment():
        raise UserError(
            "this process is one of several workers already (TF_CONFIG, srun), "
            "and --num_workers starts such: leave one of both away."
        )
    config = resolve_config(config)
    run = RunDirectory(config.run_dir)
    if run.needs_no_run(config, restart=options.restart):
        _train_run(config, options)
        return
    from cifar10_tf.studies.executors import ray_workers
    from cifar10_tf.studies.executors.executor import Job

    if options.restart:  # now: workers that are started again go on
        run.set_aside()
    job = Job(config, flags.given(_OF_EACH_RUN))
    # The first worker says what there is to say.
    sys.exit(ray_workers.train(job, options.num_workers, options.ray_address))


def _train_study(config: Config, options: Options) -> None:
    from cifar10_tf.studies import seeds, summary
    from cifar10_tf.studies.executors import by_name

    cluster.check_alone("--num_runs")
    config = resolve_config(config, options.num_runs)
    result = seeds.train(
        config,
        options.num_runs,
        restart=options.restart,
        executor=by_name.make(options.engine, options.ray_address),
        run_flags=flags.of_each_run(_OF_EACH_RUN),
    )
    print(summary.table(result))
    print(f"Everything is in {RunDirectory(config.run_dir).path}")

"""What each command does for a person at the terminal.

TensorFlow is imported last, after everything that can be checked without it:
a mistake is answered at once. A command's docstring is its line in `--help`.
"""

import dataclasses

from cifar10_tf import datasets, flags, interruption, machine, precision
from cifar10_tf.config import Config
from cifar10_tf.datasets import names, prepared, published
from cifar10_tf.errors import UserError
from cifar10_tf.flags import FLAGS
from cifar10_tf.run_directory import RunDirectory


def train() -> None:
    """Train, evaluate, draw and write the run directory (the default)."""
    config = flags.make_config()
    interruption.set_max_minutes(FLAGS.max_minutes)
    dataset = datasets.resolve(config.dataset, config.data_dir)
    seeds = f"seed{config.seed}"
    if FLAGS.num_runs > 1:
        seeds = f"seeds{config.seed}-{config.seed + FLAGS.num_runs - 1}"
    config = dataclasses.replace(
        config,
        dataset=dataset,
        # As TFDS_DATA_DIR is now: another shell may have another.
        data_dir=str(prepared.data_root(dataset, config.data_dir)),
        run_dir=config.run_dir
        or f"runs/{names.slug(dataset)}-{config.model}-{seeds}",
    )
    if FLAGS.num_runs > 1:
        _train_study(config)
    else:
        _train_run(config)


def _train_run(config: Config) -> None:
    run = RunDirectory(config.run_dir)
    if FLAGS.restart:
        run.check_replaceable()
    elif run.is_complete(config):
        print(f"Nothing left to do: {run.path} holds this very run, complete.")
        return
    machine.start_tensorflow()
    from cifar10_tf import trainer

    summary = trainer.train(
        config,
        restart=FLAGS.restart,
        checkpoint_every_sec=FLAGS.checkpoint_every_sec,
    )
    _print_result(summary)
    print(f"Everything is in {run.path}")


def _train_study(config: Config) -> None:
    from cifar10_tf import study

    summary = study.train(config, FLAGS.num_runs, restart=FLAGS.restart)
    print(study.table(summary))
    print(f"Everything is in {RunDirectory(config.run_dir).path}")


def evaluate() -> None:
    """Evaluate the saved model of --run_dir again, from disk."""
    if not FLAGS.run_dir:
        raise UserError("evaluate needs --run_dir=DIRECTORY, that of a run.")
    run = RunDirectory(FLAGS.run_dir)
    config = run.read_config()
    policy = run.read_summary()["precision"]
    data_dir = FLAGS.data_dir or config.data_dir
    _check_data(config)
    datasets.resolve(config.dataset, data_dir)
    machine.start_tensorflow()
    import keras

    from cifar10_tf import evaluation

    keras.config.set_dtype_policy(policy)
    dataset = datasets.load(config.dataset, data_dir)
    result = evaluation.evaluate(
        run,
        dataset.test,
        dataset.class_names,
        with_tta=FLAGS.tta or config.tta,
    )
    _print_result(dataclasses.asdict(config) | result.metrics())


def _check_data(config: Config) -> None:
    # A config of somebody else's must not choose where data are written.
    if FLAGS.data_dir or config.dataset == "synthetic10":
        return
    if names.folder(config.dataset):
        return
    if not prepared.find(config.dataset, config.data_dir):
        raise UserError(
            f"{config.dataset} is not in {config.data_dir!r}, where the run "
            "had it; say where it is, or may be put, by --data_dir."
        )


def prepare(path: str = "") -> None:
    """Get the data ready, no more; from PATH: files of CIFAR-10 you have."""
    config = flags.make_config()
    if path:
        if config.dataset not in ("auto", "cifar10"):
            raise UserError(
                f"prepare takes a PATH of CIFAR-10, not of {config.dataset}: "
                "leave out one of them."
            )
        name, source = "cifar10", published.find(path)
    else:
        name = datasets.resolve(config.dataset, config.data_dir)
        source = None
    machine.start_tensorflow()
    dataset = datasets.load(name, config.data_dir, source)
    print(
        f"{name} is ready: {len(dataset.train.labels)} training and "
        f"{len(dataset.test.labels)} test images in {dataset.source}"
    )


def doctor() -> None:
    """Show versions, hardware, the precision they favour and the data found."""
    config = flags.make_config()
    machine.start_tensorflow()
    hardware = machine.hardware()
    policy, reason = precision.for_this_machine()
    rows = {
        "versions": ", ".join(
            f"{name} {version}" for name, version in machine.versions().items()
        ),
        "CPU": f"{hardware['cpu']}, {hardware['num_cpus']} in use, "
        f"{' '.join(hardware['cpu_features']) or 'no notable features'}",
        "memory": f"{hardware['memory_gib']} GiB",
        "GPU": "; ".join(
            f"{gpu['name']}, compute capability {gpu['compute_capability']}"
            for gpu in hardware["gpus"]
        )
        or f"none: {machine.why_no_gpu()}",
        "--mixed_precision": f"{policy}: {reason}",
        "CIFAR-10": _describe_data("cifar10", config.data_dir),
        "synthetic10": _describe_data("synthetic10", config.data_dir),
    }
    if config.dataset not in ("auto", "cifar10", "synthetic10"):
        rows["--dataset"] = _describe_data(config.dataset, config.data_dir)
    for name, value in rows.items():
        print(f"{name + ':':<19}{value}")


def _describe_data(name: str, data_dir: str) -> str:
    try:
        name = datasets.resolve(name, data_dir)
        directory = names.folder(name) or prepared.find(name, data_dir)
    except UserError as error:
        return str(error)
    if directory:
        return f"ready in {directory}"
    if name == "synthetic10":
        return "embedded, drawn when it is first used"
    return f"can be obtained: cifar10-tf prepare --dataset={name}"


def _print_result(summary: dict) -> None:
    low, high = summary["test_accuracy_ci95"]
    print(
        f"{summary['model']} on {summary['dataset']}, seed {summary['seed']}: "
        f"test accuracy {summary['test_accuracy']:.2%} (95 % interval "
        f"{low:.2%} to {high:.2%}), loss {summary['test_loss']:.3f}"
    )
    per_class = summary["per_class_accuracy"]
    width = max(map(len, per_class))
    for name, accuracy in per_class.items():
        share = "no test images" if accuracy is None else f"{accuracy:.1%}"
        print(f"  {name:<{width}}  {share}")
    if "test_accuracy_tta" in summary:
        low, high = summary["test_accuracy_tta_ci95"]
        print(
            "With test-time augmentation: test accuracy "
            f"{summary['test_accuracy_tta']:.2%} (95 % interval {low:.2%} to "
            f"{high:.2%})"
        )

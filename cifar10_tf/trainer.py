"""Config -> trained model and run directory; reads as a recipe."""

import logging
import shlex
import sys

import keras
import tensorflow as tf

from cifar10_tf import (
    callbacks,
    datasets,
    evaluation,
    machine,
    models,
    pipeline,
    plots,
    precision,
)
from cifar10_tf.config import Config
from cifar10_tf.datasets import Examples, ImageDataset, splits
from cifar10_tf.errors import UserError
from cifar10_tf.run_directory import RunDirectory, replacing

_log = logging.getLogger(__name__)

_OBJECTIVE = {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}


def train(config: Config, *, restart: bool = False) -> dict:
    """Trains, evaluates, draws and returns the run's summary.

    Args:
        config: with a dataset that `datasets.resolve` returned and a run_dir.
        restart: sets an earlier run in run_dir aside instead of refusing.

    Raises:
        UserError: the data can't be had, the run directory can't be used, the
            loss diverges or memory runs out.
    """
    dataset = datasets.load(config.dataset, config.data_dir)
    train_set, validation_set = _split(config, dataset)
    policy = _set_up(config)
    stamp = {"versions": machine.versions(), "hardware": machine.hardware()}
    model = _compiled_model(config, num_classes=len(dataset.class_names))

    run = RunDirectory(config.run_dir)
    if restart:
        run.set_aside()
    run.create(config)
    throughput = _fit(model, config, run, train_set, validation_set)
    _save(model, run)

    # From here on the model is the one on disk, and the test split is read.
    result = evaluation.evaluate(run, dataset)
    history = run.read_metrics()
    _save_plots(run, config, train_set, history, dataset, result)
    summary = {
        "status": "complete",
        "dataset": config.dataset,
        "model": config.model,
        "num_params": model.count_params(),
        "seed": config.seed,
        "precision": policy,
        "epochs": config.epochs,
        "steps": history[-1]["step"],
        "batch_size": config.batch_size,
        "num_train_examples": len(train_set.labels),
        "num_validation_examples": len(validation_set.labels),
        "num_test_examples": len(result.labels),
        # Over the last epoch as it went, dropout included, as Keras shows it.
        "train_accuracy": history[-1]["accuracy"],
        "validation_accuracy": history[-1]["val_accuracy"],
        **result.metrics(),
        "first_step_sec": round(throughput.first_step_sec, 2),
        "train_sec": round(throughput.train_sec, 2),
        "total_sec": round(machine.process_sec(), 2),
        "images_per_sec": throughput.images_per_sec,
        **stamp,
        "command": shlex.join(["cifar10-tf", *sys.argv[1:]]),
    }
    run.complete(summary)
    return summary


def _split(config: Config, dataset: ImageDataset) -> tuple[Examples, Examples]:
    """Returns what to train on and what is held out."""
    images, labels = dataset.train
    try:
        parts = splits.split_train(
            labels, config.validation_fraction, config.max_train_examples
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    train, validation = (Examples(images[i], labels[i]) for i in parts)
    return train, validation


def _set_up(config: Config) -> str:
    """Makes TensorFlow ready for a run and returns the dtype policy in use."""
    machine.start_tensorflow()
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    policy = config.precision
    if policy == "auto":
        policy, reason = precision.for_this_machine()
        _log.info("Precision %s: %s.", policy, reason)
    keras.config.set_dtype_policy(policy)
    if not machine.gpus():
        if machine.has_nvidia_driver():
            _log.warning("no GPU is used: %s.", machine.why_no_gpu())
        if policy == "mixed_float16":
            _log.warning("without a GPU, float16 is slower than float32.")
    return policy


def _compiled_model(config: Config, num_classes: int) -> keras.Model:
    model = models.build_model(config.model, num_classes=num_classes)
    optimizer = keras.optimizers.RMSprop(config.learning_rate)
    model.compile(optimizer, **_OBJECTIVE)  # float16: with loss scaling
    return model


def _save(model: keras.Model, run: RunDirectory) -> None:
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        # Keras loads the model without the scaler unless the global policy is
        # float16, and then can't find the optimizer's state.
        inner = model.optimizer.inner_optimizer
        model.compile(inner, auto_scale_loss=False, **_OBJECTIVE)
    with replacing(run.model) as aside:
        model.save(aside)


def _fit(
    model: keras.Model,
    config: Config,
    run: RunDirectory,
    train_set: Examples,
    validation_set: Examples,
) -> callbacks.Throughput:
    num_train, num_validation = len(train_set[1]), len(validation_set[1])
    _log.info(
        "Training %s on %s: %d examples, %d held out for validation.",
        config.model,
        config.dataset,
        num_train,
        num_validation,
    )
    _log.info("Run directory: %s", run.path)
    epoch_steps = pipeline.steps_per_epoch(num_train, config.batch_size)
    sizes = {
        "num_classes": model.output_shape[-1],
        "batch_size": config.batch_size,
    }
    throughput = callbacks.Throughput(num_train, config.batch_size)
    try:
        model.fit(
            pipeline.make_train(
                *train_set, seed=config.seed, augment=config.augment, **sizes
            ),
            epochs=config.epochs,
            steps_per_epoch=epoch_steps,
            validation_data=pipeline.make_eval(*validation_set, **sizes)
            if num_validation
            else None,
            callbacks=[throughput, callbacks.MetricsLog(run.metrics)],
            shuffle=False,  # the pipeline has done it
            # A bar where it can redraw itself, otherwise a line an epoch.
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except tf.errors.ResourceExhaustedError as error:
        raise UserError(
            f"out of memory at --batch_size={config.batch_size}; lower it."
        ) from error
    return throughput


def _save_plots(
    run: RunDirectory,
    config: Config,
    train_set: Examples,
    history: list[dict],
    dataset: ImageDataset,
    result: evaluation.Evaluation,
) -> None:
    names = result.class_names
    title = _title(config, len(train_set.labels), result)
    figures = {
        "samples": plots.samples(
            *train_set, names, f"Training images of: {title}"
        ),
        "curves": plots.curves(history, title),
        "predictions": plots.predictions(
            *dataset.test,
            result.probabilities,
            names,
            f"{title}\nThe first test images: truth : prediction, probability",
        ),
        "confusion_matrix": plots.confusion_matrix(
            result.confusion_matrix, names, title
        ),
    }
    for name, figure in figures.items():
        with replacing(run.plots / f"{name}.png") as aside:
            figure.savefig(aside, dpi=150)


def _title(
    config: Config, num_train: int, result: evaluation.Evaluation
) -> str:
    dataset = {
        "cifar10": "CIFAR-10",
        "synthetic10": "synthetic10 (not CIFAR-10)",
    }[config.dataset]
    low, high = result.accuracy_ci95
    return (
        f"{config.model} on {dataset}, epoch {config.epochs}, "
        f"{num_train:,} training images\ntest accuracy {result.accuracy:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%})"
    )

"""Config -> trained model and run directory; reads as a recipe."""

import logging
import shlex
import sys
import time

import keras
import tensorflow as tf

from cifar10_tf import (
    callbacks,
    checkpoint,
    evaluation,
    machine,
    models,
    pipeline,
    plots,
    run_data,
    selection,
    setting_up,
    training_loop,
)
from cifar10_tf.checkpoint import Checkpoint
from cifar10_tf.checkpoint_callback import Checkpoints
from cifar10_tf.config import Config
from cifar10_tf.datasets import names
from cifar10_tf.errors import UserError
from cifar10_tf.files import replacing
from cifar10_tf.models import whitening
from cifar10_tf.models.plain import in_plain_keras
from cifar10_tf.run_data import RunData
from cifar10_tf.run_directory import RunDirectory

_log = logging.getLogger(__name__)


def train(
    config: Config,
    *,
    restart: bool = False,
    checkpoint_every_sec: float = 60.0,
) -> dict:
    """Trains, evaluates, draws and returns the run's summary.

    Goes on with a run that was interrupted, and ends with the same bits.

    Args:
        config: with a dataset that `datasets.resolve` returned and a run_dir.
        restart: sets an earlier run in run_dir aside instead of refusing.
        checkpoint_every_sec: how often at least the training is saved.

    Raises:
        UserError: the data can't be had, the run directory can't be used, the
            loss diverges or memory runs out.
    """
    try:
        return _train(config, restart, checkpoint_every_sec)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise UserError(
            f"out of memory at --batch_size={config.batch_size}; start over "
            "with --restart and a lower one."
        ) from error


def _train(config: Config, restart: bool, checkpoint_every_sec: float) -> dict:
    setting_up.set_up_tensorflow(config)
    data = run_data.load(config)
    run = RunDirectory(config.run_dir)
    if restart:
        run.set_aside()
    run.open(config)
    found = checkpoint.newest(run.checkpoints)
    stamp = {
        "precision": setting_up.set_precision(config, found),
        "versions": machine.versions(),
        "hardware": machine.hardware(),
    }
    num_an_epoch = selection.num_an_epoch(data.num_train, config.easy_every)
    steps_per_epoch = pipeline.steps_per_epoch(num_an_epoch, config.batch_size)
    model = setting_up.compiled_model(
        config,
        num_classes=len(data.class_names),
        num_steps=config.epochs * steps_per_epoch,
    )
    whitening.adapt(model, data.sample)

    throughput = _fit(
        model,
        config,
        run,
        data,
        num_an_epoch,
        found=found,
        stamp=stamp,
        every_sec=checkpoint_every_sec,
    )
    _save(model, run)

    # From here on the model is the one on disk, and the test split is read.
    result = evaluation.evaluate(
        run, data.test, data.class_names, with_tta=config.tta
    )
    history = run.read_metrics()
    _save_plots(run, config, data, history, result)
    summary = {
        "status": "complete",
        **config.settings(),
        **stamp,
        "num_params": models.num_params(model),
        **_results(data, history, result, throughput),
        "command": shlex.join(["cifar10-tf", *sys.argv[1:]]),
    }
    run.complete(summary)
    return summary


def _save(model: keras.Model, run: RunDirectory) -> None:
    # Compiled, so that it can be evaluated, but not with the optimizer that
    # trained it: the state would double or triple the file, and a schedule of
    # ours would need this package and loss scaling the same dtype policy to
    # load. SGD has no state to speak of.
    model = in_plain_keras(model)
    model.compile(
        keras.optimizers.SGD(), auto_scale_loss=False, **setting_up.objective()
    )
    model.optimizer.build(model.trainable_variables)
    with replacing(run.model) as aside:
        model.save(aside)


def _made_by(stamp: dict) -> dict:
    """Returns what bits may depend on: all but the size of the memory."""
    made_by = stamp["versions"] | stamp["hardware"]
    return {name: v for name, v in made_by.items() if name != "memory_gib"}


def _fit(
    model: keras.Model,
    config: Config,
    run: RunDirectory,
    data: RunData,
    num_an_epoch: int,
    *,
    found: Checkpoint | None,
    stamp: dict,
    every_sec: float,
) -> callbacks.Throughput:
    _announce(config, run, data)
    throughput = callbacks.Throughput(num_an_epoch, config.batch_size)
    start = time.perf_counter()
    is_easy = selection.easy_images(config, data, found)
    throughput.train_sec = time.perf_counter() - start
    log = callbacks.MetricsLog(run.metrics)
    checkpoints = Checkpoints(
        run.checkpoints,
        run={
            "settings": config.settings(),
            "precision": stamp["precision"],
            "data": data.digest,
            "easy_images": selection.to_text(is_easy),
        },
        made_by=_made_by(stamp),
        throughput=throughput,
        log=log,
        every_sec=every_sec,
    )
    first_step = checkpoints.resume(model, found)
    # An epoch is over when it is validated and in the log.
    first_epoch = len(log.history)
    if first_step:
        _log.info(
            "Resuming from step %s (epoch %d of %d).",
            f"{first_step:,}",
            first_epoch + 1,
            config.epochs,
        )
    steps_per_epoch = pipeline.steps_per_epoch(num_an_epoch, config.batch_size)
    training_loop.fit(
        model,
        data.train.of_steps(
            config.batch_size,
            first_step,
            rounds=selection.rounds(is_easy, config.easy_every),
        ),
        epochs=config.epochs,
        steps_per_epoch=steps_per_epoch,
        first_epoch=first_epoch,
        first_batch=first_step - first_epoch * steps_per_epoch,
        validation=data.validation,
        callbacks=[
            throughput,
            checkpoints,
            *([callbacks.ValidateAverages()] if config.ema else []),
            log,
        ],
        verbose=training_loop.verbosity(),
    )
    return throughput


def _announce(config: Config, run: RunDirectory, data: RunData) -> None:
    _log.info(
        "Training %s on %s: %d examples, %d held out for validation.",
        config.model,
        config.dataset,
        data.num_train,
        data.num_validation,
    )
    _log.info(
        "Recipe: %d epochs in batches of %d, %s at %g (%s), augment %s.",
        config.epochs,
        config.batch_size,
        config.optimizer,
        config.learning_rate,
        config.schedule,
        config.augment,
    )
    _log.info("Run directory: %s", run.path)


def _results(
    data: RunData,
    history: list[dict],
    result: evaluation.Evaluation,
    throughput: callbacks.Throughput,
) -> dict:
    """Returns what `summary.json` says of how it went."""
    return {
        "steps": history[-1]["step"],
        "num_train_examples": data.num_train,
        "num_validation_examples": data.num_validation,
        "num_test_examples": len(result.labels),
        # Over the last epoch as it went, dropout included, as Keras shows it.
        "train_accuracy": history[-1]["accuracy"],
        "validation_accuracy": history[-1]["val_accuracy"],
        **result.metrics(),
        "first_step_sec": round(throughput.first_step_sec, 2),
        "train_sec": round(throughput.train_sec, 2),
        "total_sec": round(throughput.total_sec, 2),
        "images_per_sec": throughput.images_per_sec,
    }


def _save_plots(
    run: RunDirectory,
    config: Config,
    data: RunData,
    history: list[dict],
    result: evaluation.Evaluation,
) -> None:
    class_names = data.class_names
    title = _title(config, data.num_train, result)
    first = data.train.of_steps(batch_size=32)
    images, labels = next(first.as_numpy_iterator())
    figures = {
        "samples": plots.samples(
            images,
            labels.argmax(axis=1),
            class_names,
            f"Training images as the network sees them: {title}",
        ),
        "curves": plots.curves(history, title),
        "predictions": plots.predictions(
            *data.test,
            result.probabilities,
            class_names,
            f"{title}\nThe first test images: truth : prediction, probability",
        ),
        "confusion_matrix": plots.confusion_matrix(
            result.confusion_matrix, class_names, title
        ),
    }
    for name, figure in figures.items():
        with replacing(run.plots / f"{name}.png") as aside:
            figure.savefig(aside, dpi=150)


def _title(
    config: Config, num_train: int, result: evaluation.Evaluation
) -> str:
    dataset = names.title(config.dataset)
    low, high = result.accuracy_ci95
    return (
        f"{config.model} on {dataset}, epoch {config.epochs}, "
        f"{num_train:,} training images\ntest accuracy {result.accuracy:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%})"
    )

"""Trains on virtual devices; a program of `test_steps.py`.

Its argument is a JSON object: how many devices, and what of the model, the
recipe and the data. Prints what came of it as JSON.
"""

import json
import math
import sys

import keras
import numpy as np
import tensorflow as tf

from cifar10_tf.datasets.tfds import synthetic10
from cifar10_tf.pipeline.batches import Batches
from cifar10_tf.settings.config import make_config
from cifar10_tf.training.compiled_model import compiled_model
from cifar10_tf.training.distribution import devices as distribution

_NUM_CLASSES = 10


def main() -> None:
    """Makes the steps that are asked for."""
    job = json.loads(sys.argv[1])
    devices = distribution.choose(str(job["devices"]), None)
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(job["policy"])
    config = make_config(seed=1, **job["settings"])
    model = compiled_model(config, _NUM_CLASSES, 1000, devices)
    images, labels = synthetic10.draw(1, job["num_examples"])
    batches = Batches(images, labels, num_classes=_NUM_CLASSES, seed=1)
    with devices.scope():
        print(json.dumps(_train(job, config, model, devices, batches)))


def _train(job, config, model, devices, batches) -> dict:
    size, parts = config.batch_size, devices.parts
    steps = devices.steps(model)
    if job["breaks"]:
        steps._losses = _breaking_on_one_device(steps._losses)
    iterator = steps.iterator(batches.shuffled(size, parts=parts))
    before = _flat(model.trainable_variables)
    losses, changes = [], []
    for _ in range(job["num_steps"]):
        model.reset_metrics()
        losses.append(float(steps.train(iterator)["loss"]))
        changes.append(_flat(model.trainable_variables) - before)
    callbacks = keras.callbacks.CallbackList(model=model)
    return {
        "losses": losses,
        "first_change": changes[0].tolist(),
        "change": changes[-1].tolist(),
        "moving": _on_each_device(model, "moving_variance"),
        "evaluation": steps.evaluate(batches.in_order(size, parts), callbacks),
        "seeds": _on_each_device(model, "seed_generator_state"),
        "scale": _scale(model.optimizer),
    }


def _flat(variables) -> np.ndarray:
    values = [v.numpy().ravel() for v in variables if v.dtype == "float32"]
    return np.concatenate(values) if values else np.zeros(0)


def _on_each_device(model, name: str) -> list:
    """Returns what each device has of the first variable of that name."""
    for variable in model.non_trainable_variables:
        if variable.name == name:
            strategy = tf.distribute.get_strategy()
            values = strategy.experimental_local_results(variable.value)
            return [value.numpy().tolist() for value in values]
    return []


def _scale(optimizer) -> float | None:
    """Returns by what a loss is scaled."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return float(optimizer.dynamic_scale.numpy())
    return None


def _breaking_on_one_device(losses):
    def broken(labels, probabilities):
        context = tf.distribute.get_replica_context()
        is_first = context.replica_id_in_sync_group == 0
        return losses(labels, probabilities) * tf.where(is_first, 1.0, math.inf)

    return broken

"""Config -> TensorFlow set up for it, and a model that is ready to train."""

import logging

import keras
import tensorflow as tf

from cifar10_tf import machine, models, optimization, precision
from cifar10_tf.checkpoint import Checkpoint
from cifar10_tf.config import POLICIES, Config

_log = logging.getLogger(__name__)


def set_up_tensorflow(config: Config) -> None:
    """Makes TensorFlow ready for a run."""
    machine.start_tensorflow()
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()


def set_precision(config: Config, found: Checkpoint | None = None) -> str:
    """Sets and returns the dtype policy that models are built with.

    Args:
        found: what the run goes on from: "auto" stays what it was there.
    """
    policy = config.precision
    if policy == "auto":
        policy, reason = precision.for_this_machine()
        if found and found.record.get("precision") in POLICIES:
            policy, reason = found.record["precision"], "the run began with it"
        _log.info("Precision %s: %s.", policy, reason)
    keras.config.set_dtype_policy(policy)
    if not machine.gpus():
        if machine.has_nvidia_driver():
            _log.warning("no GPU is used: %s.", machine.why_no_gpu())
        if policy == "mixed_float16":
            _log.warning("without a GPU, float16 is slower than float32.")
    return policy


def compiled_model(
    config: Config, num_classes: int, num_steps: int
) -> keras.Model:
    """Returns the config's model, ready for `num_steps` steps of `fit`."""
    model = models.build_model(config.model, num_classes=num_classes)
    optimizer = optimization.make_optimizer(
        config.optimizer,
        model.trainable_variables,
        learning_rate=optimization.make_schedule(
            config.schedule,
            peak=config.learning_rate,
            num_steps=num_steps,
            warmup=config.warmup,
        ),
        weight_decay=config.weight_decay,
        ema=config.ema,
    )
    # float16: with loss scaling
    model.compile(optimizer, **objective(config.label_smoothing))
    model.optimizer.build(model.trainable_variables)
    # What holds the metrics makes its variables in the first use of it, and a
    # checkpoint is to have a place for each.
    nothing = tf.zeros([1, num_classes])
    model.compute_metrics(None, nothing, nothing)
    model.reset_metrics()
    return model


def objective(label_smoothing: float = 0.0) -> dict:
    """Returns loss and metrics, as `compile` takes them."""
    # A metric by its name would, like an optimizer that is not built, make its
    # variables in the first step, and TensorFlow trace the step again for it:
    # 0.8 s of 2.0 on two cores.
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    return {"loss": loss, "metrics": [accuracy]}

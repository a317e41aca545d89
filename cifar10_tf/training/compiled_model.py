"""Config -> a model that is ready to train."""

import keras
import tensorflow as tf

from cifar10_tf.models.building import build_model
from cifar10_tf.models.loss_and_metrics import loss_and_metrics
from cifar10_tf.optimizers.by_name import make_optimizer
from cifar10_tf.optimizers.schedules import make_schedule
from cifar10_tf.settings.config import Config


def compiled_model(
    config: Config, num_classes: int, num_steps: int
) -> keras.Model:
    """Returns the config's model, ready for `num_steps` steps of `loop.fit`."""
    model = build_model(config.model, num_classes=num_classes)
    optimizer = make_optimizer(
        config.optimizer,
        model.trainable_variables,
        learning_rate=make_schedule(
            config.schedule,
            peak=config.learning_rate,
            num_steps=num_steps,
            warmup=config.warmup,
        ),
        weight_decay=config.weight_decay,
        ema=config.ema,
    )
    # float16: with loss scaling
    model.compile(optimizer, **loss_and_metrics(config.label_smoothing))
    model.optimizer.build(model.trainable_variables)
    # What holds the metrics makes its variables in the first use of it, and a
    # checkpoint is to have a place for each.
    nothing = tf.zeros([1, num_classes])
    model.compute_metrics(None, nothing, nothing)
    model.reset_metrics()
    return model

"""Config -> a model that is ready to train."""

import keras
import tensorflow as tf

from cifar10_tf.models.building import build_model
from cifar10_tf.models.loss_and_metrics import loss_and_metrics
from cifar10_tf.optimizers.by_name import make_optimizer
from cifar10_tf.optimizers.schedules import make_schedule
from cifar10_tf.settings.config import Config
from cifar10_tf.training import low_resolution
from cifar10_tf.training.distribution.devices import Devices


def compiled_model(
    config: Config,
    num_classes: int,
    num_steps: int,
    devices: Devices | None = None,
) -> keras.Model:
    """Returns the config's model, ready for `num_steps` steps of `loop.fit`.

    Args:
        devices: on which it is trained; None: one.

    Raises:
        UserError: it can't be trained as the config says.
    """
    devices = devices or Devices()
    with devices.scope():
        model = build_model(config.model, num_classes=num_classes)
        if config.low_resolution:
            low_resolution.take_small_images(model)
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                # One device has the whole batch, and a faster way.
                layer.synchronized = config.sync_batch_norm and devices.num > 1
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
        if keras.config.dtype_policy().compute_dtype == "float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
    # The metrics are none of the devices' concern: they get the sums.
    model.compile(optimizer, **loss_and_metrics(config.label_smoothing))
    # What holds the metrics makes its variables in the first use of it, and a
    # checkpoint is to have a place for each.
    nothing = tf.zeros([1, num_classes])
    model.compute_metrics(None, nothing, nothing)
    model.reset_metrics()
    return model

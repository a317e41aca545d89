"""A small network, trained quickly, that tells how hard an image is."""

import numpy as np

from cifar10_tf.models.layers import whitening
from cifar10_tf.pipeline.batches import steps_per_epoch
from cifar10_tf.settings.config import make_config
from cifar10_tf.training import loop, low_resolution, progress
from cifar10_tf.training.compiled_model import compiled_model
from cifar10_tf.training.training_data import TrainingData

_BATCH_SIZE = 1000  # of what it is asked about


def label_probabilities(
    model_name: str, seed: int, data: TrainingData
) -> np.ndarray:
    """Trains a model by its recipe and returns what it gives the right classes.

    Returns: float32 [num_train].
    """
    config = make_config(model=model_name, seed=seed)
    num_steps = steps_per_epoch(data.num_train, config.batch_size)
    model = compiled_model(
        config,
        num_classes=len(data.class_names),
        num_steps=config.epochs * num_steps,
    )
    whitening.adapt(model, data.sample)
    loop.fit(
        model,
        low_resolution.batches(config, data.train, num_steps),
        epochs=config.epochs,
        steps_per_epoch=num_steps,
        verbose=progress.verbosity(),
    )
    return np.concatenate(
        [
            model.predict_on_batch(images)[labels.numpy() > 0]
            for images, labels in data.train.in_order(_BATCH_SIZE)
        ]
    )

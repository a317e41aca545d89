"""Model names -> networks."""

import importlib
import math

import keras

from cifar10_tf.settings.models import MODELS


def build_model(name: str, *, num_classes: int = 10) -> keras.Model:
    """Builds an untrained network under the current dtype policy.

    It maps images, float [batch, 32, 32, 3] in [0, 1], to class probabilities,
    float32 [batch, num_classes].

    Args:
        name: of `settings.models.MODELS`.

    Raises:
        ValueError: there is no model of that name.
    """
    if name not in MODELS:
        raise ValueError(
            f"Unknown model {name!r}; choose from {sorted(MODELS)}."
        )
    module, _, function = MODELS[name].builder.partition(".")
    family = importlib.import_module(f"cifar10_tf.models.{module}")
    return getattr(family, function)(num_classes=num_classes)


def num_params(model: keras.Model) -> int:
    """Counts as the literature does: without running statistics."""
    return sum(
        math.prod(weight.shape)
        for weight in model.weights
        if not weight.name.startswith("moving_")
    )

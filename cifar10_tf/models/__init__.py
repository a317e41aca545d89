"""The networks by name."""

import keras

from cifar10_tf.models import cnn

MODELS = {"baseline": cnn.build_baseline, "dropout": cnn.build_dropout}


def build_model(name: str, *, num_classes: int = 10) -> keras.Model:
    """Builds an untrained network under the current dtype policy.

    It maps images, float [batch, 32, 32, 3] in [0, 1], to class probabilities,
    float32 [batch, num_classes].

    Raises:
        ValueError: there is no model of that name.
    """
    if name not in MODELS:
        raise ValueError(
            f"Unknown model {name!r}; choose from {sorted(MODELS)}."
        )
    return MODELS[name](num_classes=num_classes)

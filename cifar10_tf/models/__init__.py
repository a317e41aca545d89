"""The networks by name."""

import math

import keras

from cifar10_tf.models import cnn, mobilenet, resnet, speedrun, vgg, vit

MODELS = {
    "baseline": cnn.build_baseline,
    "dropout": cnn.build_dropout,
    "mobilenet_v2": mobilenet.build_mobilenet_v2,
    "resnet18": resnet.build_resnet18,
    "resnet20": resnet.build_resnet20,
    "resnet56": resnet.build_resnet56,
    "speedrun_l": speedrun.build_speedrun_l,
    "speedrun_m": speedrun.build_speedrun_m,
    "speedrun_s": speedrun.build_speedrun_s,
    "vgg16_bn": vgg.build_vgg16_bn,
    "vit_tiny": vit.build_vit_tiny,
    "wrn16_4": resnet.build_wrn16_4,
    "wrn28_10": resnet.build_wrn28_10,
}


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


def num_params(model: keras.Model) -> int:
    """Counts as the literature does: without running statistics."""
    return sum(
        math.prod(weight.shape)
        for weight in model.weights
        if not weight.name.startswith("moving_")
    )

"""What a model is trained to lower, and what is watched meanwhile."""

import keras


def loss_and_metrics(label_smoothing: float = 0.0) -> dict:
    """Returns loss and metrics, as `compile` takes them."""
    # A metric by its name would, like an optimizer that is not built, make its
    # variables in the first step, and TensorFlow trace the step again for it:
    # 0.8 s of 2.0 on two cores.
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    return {"loss": loss, "metrics": [accuracy]}

"""A model of each family, for what is tested of all kinds of layers."""

from cifar10_tf.settings.models import MODELS


def smallest_of_each() -> tuple[str, ...]:
    """Returns a name for each module of models; of two of a size, the last."""
    smallest = {}
    for name, model in MODELS.items():
        family = model.builder.partition(".")[0]
        known = smallest.setdefault(family, name)
        if model.num_params <= MODELS[known].num_params:
            smallest[family] = name
    return tuple(smallest.values())

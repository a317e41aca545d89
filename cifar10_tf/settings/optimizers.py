"""Which optimizers and learning rate schedules there are."""

SCHEDULES = ("constant", "cosine", "linear", "one_cycle")

# The optimizers, each with its customary settings: a recipe's own are of use
# for the recipe's optimizer only. SGD's weight decay is the usual 5e-4 over
# 1 - 0.9: Keras's doesn't pass through the momentum, which would multiply it.
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1, "weight_decay": 0.005},
    "adam": {"learning_rate": 0.001, "weight_decay": 0.0},
    "adamw": {"learning_rate": 0.001, "weight_decay": 0.01},
    "rmsprop": {"learning_rate": 0.001, "weight_decay": 0.0},
    "muon": {"learning_rate": 0.1, "weight_decay": 0.0},
}


def describe() -> str:
    """Returns every optimizer's customary learning rate and weight decay."""
    return ", ".join(
        f"{name} {c['learning_rate']} and {c['weight_decay']}"
        for name, c in OPTIMIZERS.items()
    )

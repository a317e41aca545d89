"""What a training says: what it is, what is odd, and how far it is."""

import logging
import sys

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.training.training_data import TrainingData

# Validation images of which an accuracy says next to nothing.
_FEW = 50

_log = logging.getLogger(__name__)


def verbosity() -> int:
    """Returns Keras's number for a bar, or for a line an epoch.

    A line where a bar could not redraw itself.
    """
    return 1 if sys.stdout.isatty() else 2


def announce(config: Config, run: RunDirectory, data: TrainingData) -> None:
    """Says what is trained, how and where."""
    _log.info(
        "Training %s on %s: %d examples, %d held out for validation.",
        config.model,
        config.dataset,
        data.num_train,
        data.num_validation,
    )
    _log.info(
        "Recipe: %s in batches of %d, %s at %g (%s), augment %s%s.",
        f"{config.epochs} epoch{'s' if config.epochs > 1 else ''}",
        config.batch_size,
        config.optimizer,
        config.learning_rate,
        config.schedule,
        config.augment,
        "".join(f", {name} {v:g}" for name, v in _rest_of(config).items()),
    )
    _log.info("Run directory: %s", run.path)


def warn_of_sizes(config: Config, data: TrainingData) -> None:
    """Warns of a batch or a validation from which little is learnt."""
    if data.num_train < config.batch_size:
        _log.warning(
            "a batch of %d is more than the %d training images: an epoch is "
            "one step, and little is learnt. Choose a --batch_size of %d, and "
            "more --epochs.",
            config.batch_size,
            data.num_train,
            min(data.num_train, max(8, data.num_train // 20)),
        )
    if 0 < data.num_validation < _FEW:
        _log.warning(
            "validation accuracy is of %d image%s, and goes in steps of %.0f "
            "points: raise --validation_fraction, or set it to 0.",
            data.num_validation,
            "s" if data.num_validation > 1 else "",
            100 / data.num_validation,
        )


def _rest_of(config: Config) -> dict[str, float]:
    """Returns what most recipes do without, where this one doesn't."""
    rest = {
        "weight decay": config.weight_decay,
        "warmup": config.warmup,
        "label smoothing": config.label_smoothing,
        "ema": config.ema,
        "low resolution": config.low_resolution,
    }
    return {name: value for name, value in rest.items() if value}

"""What a notebook imports: `train` and `load_run`, which return a `Run`."""

import contextlib
import dataclasses
import functools
import os
import pathlib
from typing import Any

import numpy as np

from cifar10_tf.runs import changed_images
from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings import similar_names
from cifar10_tf.settings.config import FOLDER, Config, make_config
from cifar10_tf.settings.options import Options, make_options
from cifar10_tf.system import (
    interruption,
    log_output,
    process_clock,
    tensorflow_startup,
)
from cifar10_tf.system.errors import UserError

_CONFIG = {field.name for field in dataclasses.fields(Config)}

# One run is made here, and shows its errors itself.
_OPTIONS_OF_TRAIN = {field.name for field in dataclasses.fields(Options)} - {
    "num_runs",
    "debug",
}


class Run:
    """A run directory, to be looked at.

    Attributes:
        path: of the directory.
        config: all settings of the run.
    """

    def __init__(self, directory: RunDirectory):
        self._directory = directory
        self.path = directory.path
        self.config = directory.read_config()

    @property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` says; a UserError where it is not complete."""
        return self._directory.read_summary()

    @property
    def history(self) -> list[dict[str, Any]]:
        """A dict for each epoch so far, as `metrics.jsonl` has them."""
        return self._directory.read_metrics()

    @functools.cached_property
    def model(self):
        """The trained keras.Model: images in [0, 1] -> probabilities."""
        summary = self.summary
        tensorflow_startup.start_tensorflow()
        import keras

        from cifar10_tf.runs import saved_model

        with _keeping_the_policy():
            keras.config.set_dtype_policy(summary["precision"])
            num_classes = len(summary["per_class_accuracy"])
            return saved_model.load(self._directory, num_classes)

    def __repr__(self) -> str:
        return f"<Run of {self.config.model} in {self.path}>"


def train(
    *,
    mixed_precision: bool = False,
    restart: bool = False,
    checkpoint_every_sec: float = 60.0,
    max_minutes: float = 0.0,
    **settings: Any,
) -> Run:
    """Makes a run, or goes on with it, and returns it; the flags' names.

    What is complete already is not repeated. An interrupted call saves the
    training after the step then running; the same call goes on with it. Seeds
    the random numbers of Python, NumPy and TensorFlow, as
    `keras.utils.set_random_seed` does; `deterministic` holds for the process.

    Args:
        mixed_precision: uses the precision that this hardware gains from.
        restart: sets an earlier run in run_dir aside.
        checkpoint_every_sec: how often at least the training is saved.
        max_minutes: interrupts itself after so long; 0: never.
        settings: fields of `Config`, as model="dropout", epochs=5; a pathlib
            path as dataset is a folder of images.

    Raises:
        UserError: a setting is unknown or not valid, or as `trainer.train`.
        KeyboardInterrupt: there was one, or the time is over.
    """
    if unknown := settings.keys() - _CONFIG:
        known = sorted(_CONFIG | _OPTIONS_OF_TRAIN)
        raise UserError(similar_names.unknown("setting", min(unknown), known))
    given = settings | {"mixed_precision": mixed_precision or None}
    given = {name: value for name, value in given.items() if value is not None}
    command = ", ".join(f"{name}={value!r}" for name, value in given.items())
    config, options = config_and_options(
        given
        | {
            "restart": restart,
            "checkpoint_every_sec": checkpoint_every_sec,
            "max_minutes": max_minutes,
        }
    )
    log_output.show()
    process_clock.restart()
    interruption.set_max_minutes(options.max_minutes)
    with interruption.saving_first():
        return make_run(config, options, f"cifar10_tf.train({command})")


def load_run(run_dir: str | os.PathLike) -> Run:
    """Returns the run in a directory.

    Raises:
        UserError: there is none.
    """
    directory = RunDirectory(run_dir)
    runs = [] if directory.is_run() else StudyDirectory(run_dir).runs()
    if runs:
        raise UserError(
            f"{directory.path} is a study of several runs. Load one of them: "
            f"{', '.join(str(run.path) for run in runs[:3])}"
            f"{' ...' if runs[3:] else '.'}"
        )
    return Run(directory)


def config_and_options(given: dict[str, Any]) -> tuple[Config, Options]:
    """Returns what settings ask for, by the names of their flags.

    NumPy's numbers and paths become plain, a path as dataset that of a folder;
    what is None is not given.

    Raises:
        UserError: a value is not valid.
    """
    plain = {n: _plain(n, v) for n, v in given.items() if v is not None}
    settings = {name: v for name, v in plain.items() if name in _CONFIG}
    try:
        options = make_options(**{n: plain[n] for n in plain.keys() - _CONFIG})
        if options.mixed_precision:
            settings.setdefault("precision", "auto")
        return make_config(**settings), options
    except ValueError as error:
        raise UserError(str(error)) from error


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, pathlib.PurePath):
        return value
    # What has a path is a folder, and no dataset of TFDS.
    return f"{FOLDER if name == 'dataset' else ''}{value}"


def make_run(config: Config, options: Options, command: str) -> Run:
    """Makes a run, goes on with it or finds it complete, and returns it.

    Args:
        command: what `summary.json` says that makes the run.

    Raises:
        UserError, Interrupted: as of `trainer.train`.
    """
    config = resolve_config(config)
    directory = RunDirectory(config.run_dir)
    if directory.needs_no_run(config, restart=options.restart):
        print(
            f"Nothing left to do: {directory.path} holds this very run, "
            "complete."
        )
        changed_images.warn_of_figures([directory], config.dataset)
        return Run(directory)
    # Before the trainer, which imports it: it would be noisy.
    tensorflow_startup.start_tensorflow()
    from cifar10_tf.training import trainer

    with _keeping_the_policy():
        trainer.train(
            config,
            restart=options.restart,
            checkpoint_every_sec=options.checkpoint_every_sec,
            command=command,
        )
    return Run(directory)


@contextlib.contextmanager
def _keeping_the_policy():
    """Keeps the dtype policy of whatever else a notebook builds."""
    import keras

    policy = keras.config.dtype_policy()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)

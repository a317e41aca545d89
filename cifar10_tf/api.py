"""What a notebook imports: `train` and `load_run`, which return a `Run`."""

import dataclasses
import functools
import os
import pathlib
from typing import Any

import numpy as np

from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.system import (
    interruption,
    log_output,
    process_clock,
    tensorflow_startup,
)
from cifar10_tf.system.errors import UserError


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

        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(summary["precision"])
        try:
            num_classes = len(summary["per_class_accuracy"])
            return saved_model.load(self._directory, num_classes)
        finally:
            keras.config.set_dtype_policy(policy)

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
    training after the step then running; the same call goes on with it.

    Args:
        mixed_precision: uses the precision that this hardware gains from.
        restart: sets an earlier run in run_dir aside.
        checkpoint_every_sec: how often at least the training is saved.
        max_minutes: interrupts itself after so long; 0: never.
        settings: fields of `Config`, as model="dropout", epochs=5.

    Raises:
        UserError: a setting is unknown or not valid, or as `trainer.train`.
        KeyboardInterrupt: there was one, or the time is over.
    """
    arguments = {**settings, "mixed_precision": mixed_precision or None}
    arguments = {name: v for name, v in arguments.items() if v is not None}
    command = ", ".join(f"{name}={v!r}" for name, v in arguments.items())
    config = _config(settings, mixed_precision)
    log_output.show()
    process_clock.restart()
    interruption.set_max_minutes(max_minutes)
    with interruption.saving_first():
        config = resolve_config(config)
        if run := find_complete(config, restart=restart):
            print(f"Nothing left to do: {run.path} holds this run, complete.")
            return run
        return make_run(
            config,
            restart=restart,
            checkpoint_every_sec=checkpoint_every_sec,
            command=f"cifar10_tf.train({command})",
        )


def load_run(run_dir: str | os.PathLike) -> Run:
    """Returns the run in a directory.

    Raises:
        UserError: there is none.
    """
    return Run(RunDirectory(run_dir))


def find_complete(config: Config, *, restart: bool) -> Run | None:
    """Returns the run if it is complete; else checks that it can be made.

    Args:
        config: resolved.
        restart: whether it is to be made in any case.

    Raises:
        UserError: its directory holds another run, one in progress, something
            else, or can't be written.
    """
    directory = RunDirectory(config.run_dir)
    if restart:
        directory.check_replaceable()
        return None
    return Run(directory) if directory.is_complete(config) else None


def make_run(
    config: Config,
    *,
    restart: bool,
    checkpoint_every_sec: float,
    command: str,
) -> Run:
    """Makes a run, or goes on with it, and returns it.

    Args:
        config: resolved.
        command: what `summary.json` says that makes the run.

    Raises:
        UserError, Interrupted: as of `trainer.train`.
    """
    # Before the trainer, which imports it: it would be noisy.
    tensorflow_startup.start_tensorflow()
    from cifar10_tf.training import trainer

    trainer.train(
        config,
        restart=restart,
        checkpoint_every_sec=checkpoint_every_sec,
        command=command,
    )
    return load_run(config.run_dir)


def _config(settings: dict[str, Any], mixed_precision: bool) -> Config:
    """Returns the config of a call, NumPy's numbers and paths made plain."""
    known = {field.name for field in dataclasses.fields(Config)}
    if unknown := sorted(settings.keys() - known):
        raise UserError(
            f"Unknown setting {unknown[0]!r}; choose from "
            f"{', '.join(sorted(known))}."
        )
    plain = {name: _plain(value) for name, value in settings.items()}
    if mixed_precision and plain.get("precision") is None:
        plain["precision"] = "auto"
    try:
        return make_config(**plain)
    except ValueError as error:
        raise UserError(str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return os.fspath(value) if isinstance(value, pathlib.PurePath) else value

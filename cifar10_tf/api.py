"""What a notebook imports: `train` and `load_run`, which return a `Run`."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

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
from cifar10_tf.system.cluster import peers
from cifar10_tf.system.errors import UserError

if TYPE_CHECKING:
    from cifar10_tf.report import comparison

_CONFIG = {field.name for field in dataclasses.fields(Config)}

# One run is made here, by one process, which shows its errors itself.
_ELSEWHERE = {"num_runs", "num_workers", "engine", "ray_address", "debug"}
_OPTIONS_OF_TRAIN = {
    field.name for field in dataclasses.fields(Options)
} - _ELSEWHERE


class Run:
    """A run directory, `path`, to be looked at.

    Attributes:
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
        self._directory.read_summary()  # before the seconds of TensorFlow
        tensorflow_startup.start_tensorflow()
        from cifar10_tf.runs import saved_model

        return saved_model.load_in_its_precision(self._directory)

    @functools.cached_property
    def _predictor(self):
        from cifar10_tf.deployment.predictor import Predictor

        return Predictor.load(self.path)

    def predict(self, images: Any):
        """Returns what images show, with probabilities.

        The middle square of an image counts, at 32 x 32 pixels, as in training
        on folders of images.

        Args:
            images: a path, a PIL image or an array, or a list of them; or an
                array of several images. Arrays are [height, width], or with 3
                channels, of bytes or of floats in [0, 1].

        Returns:
            A `Prediction`, with label, probability and top(3), or of several
            images a list in their order; they show themselves in a notebook.

        Raises:
            UserError: one is no image, or the run is not complete.
        """
        return self._predictor.predict(images)

    def __repr__(self) -> str:
        return f"<Run of {self.config.model} in {self.path}>"

    def _repr_html_(self) -> str:
        from cifar10_tf.report import notebook

        return notebook.to_html(self._directory)


class Comparison:
    """What several runs, or several studies, have in common and what not.

    Shows itself in a notebook: figures, settings that differ, and whether the
    test accuracies differ by more than chance.
    """

    def __init__(self, found: "comparison.Comparison"):
        self._found = found

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, as `compare --format=json` prints it."""
        return self._found.to_dict()

    def save(self, path: str | os.PathLike) -> None:
        """Writes it as a page."""
        from cifar10_tf.report import comparison_page

        comparison_page.write(pathlib.Path(path), self._found)

    def __repr__(self) -> str:
        from cifar10_tf.report import comparison_text

        return comparison_text.describe(self._found)

    def _repr_html_(self) -> str:
        from cifar10_tf.report import comparison_page

        return comparison_page.to_html(self._found)


def train(
    *,
    mixed_precision: bool = False,
    restart: bool = False,
    checkpoint_every_sec: float = 60.0,
    max_minutes: float = 0.0,
    devices: str | int = "auto",
    tensorboard: bool = False,
    profile_steps: str = "",
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
        devices: how many share each batch; "auto": all GPUs.
        tensorboard: writes what TensorBoard shows into run_dir.
        profile_steps: which training steps to trace for it, as "10,20".
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
            "devices": str(devices),
            "tensorboard": tensorboard,
            "profile_steps": profile_steps,
        }
    )
    log_output.show()
    process_clock.restart()
    interruption.set_max_minutes(options.max_minutes)
    with interruption.saving_first(options.restart):
        return make_run(config, options, f"cifar10_tf.train({command})")


def load_run(run_dir: str | os.PathLike) -> Run:
    """Returns the run in a directory.

    Raises:
        UserError: there is none.
    """
    if not isinstance(run_dir, str | os.PathLike):
        raise UserError(f"load_run takes a directory, got {run_dir!r}.")
    return Run(StudyDirectory.one_run(run_dir))


def compare(runs: Iterable[Run | str | os.PathLike], *others) -> Comparison:
    """Compares runs, or studies.

    Args:
        runs: a list of two or more, or of their directories.
        others: nothing; whoever gives more than the list is told so.

    Raises:
        UserError: they can't be compared.
    """
    from cifar10_tf.report import comparison

    one = (Run, str, os.PathLike)
    if others or isinstance(runs, one):
        raise UserError("compare takes one list, as compare([run, other]).")
    directories = []
    for run in runs:
        if not isinstance(run, one):
            raise UserError(f"compare takes runs and directories, got {run!r}.")
        directories.append(
            RunDirectory(run.path if isinstance(run, Run) else run)
        )
    return Comparison(comparison.read(directories))


def config_and_options(given: dict[str, Any]) -> tuple[Config, Options]:
    """Returns what settings ask for, by the names of their flags.

    Raises:
        UserError: a value is not valid.
    """
    settings, options = settings_and_options(given)
    try:
        return make_config(**settings), options
    except ValueError as error:
        raise UserError(str(error)) from error


def settings_and_options(
    given: dict[str, Any],
) -> tuple[dict[str, Any], Options]:
    """Returns the settings of a config that are given, and the options.

    NumPy's numbers and paths become plain, a path as dataset that of a folder;
    what is None is not given.

    Raises:
        UserError: an option is not valid.
    """
    plain = {n: _plain(n, v) for n, v in given.items() if v is not None}
    settings = {name: v for name, v in plain.items() if name in _CONFIG}
    try:
        options = make_options(**{n: plain[n] for n in plain.keys() - _CONFIG})
    except ValueError as error:
        raise UserError(str(error)) from error
    if options.mixed_precision:
        settings.setdefault("precision", "auto")
    return settings, options


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
    with peers.of_environment() as others:
        # Before the trainer, which imports it: it would be noisy.
        tensorflow_startup.start_tensorflow(num_gpus=None)
        from cifar10_tf.runs import saved_model
        from cifar10_tf.training import trainer

        with saved_model.keeping_policy():
            trainer.train(config, options, command=command, peers=others)
    return Run(directory)

"""What a run leaves behind: the names, and how they are written safely."""

import contextlib
import dataclasses
import itertools
import json
import logging
import os
import pathlib
import shlex
from typing import Any

from cifar10_tf.runs import checkpoint_files, json_files, model_file
from cifar10_tf.runs.resolved_config import follow_folder
from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.settings.config import Config
from cifar10_tf.system import paths
from cifar10_tf.system.atomic_files import check_writable, replacing, write_json
from cifar10_tf.system.errors import UserError

_log = logging.getLogger(__name__)


class RunDirectory:
    """The files of one run.

    `summary.json` is written last: where it is, the run is complete. A run in
    progress holds a lock, which the system releases however it ends.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = paths.absolute(path)
        self.config = self.path / "config.json"
        self.metrics = self.path / "metrics.jsonl"
        self.summary = self.path / "summary.json"
        self.model = self.path / "model.keras"
        self.plots = self.path / "plots"
        self.predictions = self.path / "test_predictions.npz"
        self.corruptions = self.path / "corruptions.json"
        self.report = self.path / "report.html"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self._lock = RunLock(self.path)

    def needs_no_run(self, config: Config, *, restart: bool) -> bool:
        """Tells whether a run is complete, and to stay; else it can be made.

        Raises:
            UserError: as of `is_complete` or `check_replaceable`.
        """
        if restart:
            self.check_replaceable()
            return False
        return self.is_complete(config)

    def is_complete(self, config: Config) -> bool:
        """Tells whether this very run has been done here already.

        Begun and left is no obstacle: it can go on.

        Raises:
            UserError: the directory can't take the run: it holds another one or
                something else, or can't be written.
        """
        if not self._is_taken():
            self._check_writable()
            return False
        self._check_same(config)
        self._check_links()
        with self._lock.held_if_there():
            if self.summary.is_file():
                self.read_summary()
                self.check_model()
                if not self.metrics.is_file():  # without which pages can't do
                    raise self._damaged(self.metrics)
                self._clean()  # its process may have died before
                return True
        self._check_writable()
        return False

    def _check_same(self, config: Config) -> None:
        of_run = self.read_config()
        summary = self.read_summary() if self.summary.exists() else None
        of_run = follow_folder(of_run, config, summary)
        if different := of_run.differences(config):
            hint = ""
            if different == ["tta: False -> True"]:
                hint = " For a complete run there is: evaluate --tta."
            elif "auto" in {of_run.precision, config.precision} and any(
                text.startswith("precision:") for text in different
            ):
                hint = " The precision auto is that of --mixed_precision."
            raise UserError(
                f"{self.path} holds a run with other settings "
                f"({'; '.join(different)}); choose another --run_dir, or add "
                "--restart to start over, which keeps the old run under "
                f"another name.{hint}"
            )

    def check_replaceable(self) -> None:
        """Checks that a run can start over here.

        Raises:
            UserError: what is here is not a run, or one in progress, or it
                can't be written.
        """
        if self._is_taken():
            self.read_config()
            self._check_links()
            with self._lock.held_if_there():
                pass
        self._check_writable()

    def _is_taken(self) -> bool:
        if not self.path.is_dir():
            return os.path.lexists(self.path)
        names = {path.name for path in self.path.iterdir()}
        return bool(names) and not self._is_beginning(names)

    def _is_beginning(self, names: set[str]) -> bool:
        """Tells what a process leaves that dies before there is a config."""
        lock = self._lock.path
        return (
            names <= {lock.name, ".new-config.json"}
            and lock.is_file()
            and not lock.is_symlink()
            and not lock.stat().st_size  # ours are empty
        )

    def _check_writable(self) -> None:
        try:
            check_writable(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path} can't be written ({error.strerror}); choose another "
            "--run_dir."
        )

    def set_aside(self) -> None:
        """Renames an earlier run here, if any, to `<name>.1`, `.2` ...

        Raises:
            UserError: what is here is not a run, or one in progress.
        """
        if not self._is_taken():
            return
        self.check_replaceable()
        # A link stays, and leads to the new run.
        is_link = self.path.is_symlink()
        place = self.path.resolve() if is_link else self.path
        self._lock.acquire()  # nobody begins meanwhile
        try:
            kept = place.rename(paths.kept(place))
            (kept / self._lock.path.name).unlink()
            if is_link:
                place.mkdir()
        finally:
            self._lock.release()
        _log.info("The earlier run is kept in %s.", kept)

    def open(self, config: Config) -> None:
        """Makes the directory, or takes up this very run's, and locks it.

        What is not a run's is refused before anything is written, another run
        that begins meanwhile after.

        Raises:
            UserError: another process was faster, what is here is another run
                or something else, or it can't be written.
        """
        if self._is_taken():
            self._check_same(config)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._check_links()
            self._lock.acquire()
            self._begin(config)
        except OSError as error:
            raise self._unwritable(error) from error

    def _begin(self, config: Config) -> None:
        try:
            if self.summary.exists():
                raise self._lock.busy()
            if self.config.exists():
                self._check_same(config)
            else:
                self.write_config(config)
            self.plots.mkdir(exist_ok=True)
            self.checkpoints.mkdir(exist_ok=True)
        except BaseException:
            self.close()  # the process of a notebook lives on
            raise

    def write_config(self, config: Config) -> None:
        """Writes the config, as where the data are in another place now."""
        with replacing(self.config) as aside:
            aside.write_text(config.to_json(), "utf-8")

    def _check_links(self) -> None:
        events = self.tensorboard.rglob("*")
        for path in itertools.chain(self.path.iterdir(), events):
            if path.is_symlink():
                raise UserError(
                    f"{path} is a symbolic link: a run writes into its own "
                    "directory only; remove it, or choose another --run_dir."
                )

    def complete(self, summary: dict[str, Any]) -> None:
        """Writes the summary, by which the run is complete, and unlocks.

        The checkpoints, which nothing goes on from any more, are removed.
        """
        write_json(self.summary, summary)
        self._clean()
        self.close()

    def close(self) -> None:
        """Unlocks the directory, for whoever goes on with the run."""
        self._lock.release()

    def _clean(self) -> None:
        with contextlib.suppress(OSError):  # as where it may not be written
            checkpoint_files.remove_all(self.checkpoints)
            self._lock.path.unlink()

    def check_model(self) -> None:
        """Checks that the trained model is there, and seems to be whole.

        Raises:
            UserError: it is not.
        """
        model_file.check(self.model)

    def is_run(self) -> bool:
        """Tells whether there is a run here, complete or not."""
        try:
            self.read_config()
        except UserError:
            return False
        return True

    def read_config(self) -> Config:
        """Returns the run's config.

        Raises:
            UserError: there is none, or none of this program's.
        """
        return json_files.read_config(
            self.config, is_run=self.summary.exists() or self.metrics.exists()
        )

    def read_summary(self) -> dict[str, Any]:
        """Returns the summary of a complete run.

        Raises:
            UserError: there is none, or none of this program's.
        """
        try:
            return json_files.parse_summary(self.summary.read_text("utf-8"))
        except FileNotFoundError as error:
            config = self.read_config()
            here = dataclasses.replace(config, run_dir=str(self.path))
            watched = " --tensorboard" * self.tensorboard.exists()
            raise UserError(
                f"the run in {self.path} is not complete; go on with it by: "
                f"cifar10-tf train {shlex.join(here.to_flags())}{watched}"
            ) from error
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise self._damaged(self.summary) from error

    def class_names(self) -> tuple[str, ...]:
        """Returns the classes that a complete run's network tells apart.

        Raises:
            UserError: as of `read_summary`.
        """
        summary = self.read_summary()
        # Two classes may have one name; older runs list none.
        return tuple(summary.get("class_names", summary["per_class_accuracy"]))

    def _damaged(self, path: pathlib.Path) -> UserError:
        what = "damaged" if path.exists() else "missing"
        return UserError(f"{path} is {what}; make the run again by --restart.")

    def read_metrics(self) -> list[dict[str, Any]]:
        """Returns a dict for each epoch, as `metrics.jsonl` has them.

        Raises:
            UserError: it is damaged.
        """
        try:
            text = self.metrics.read_text("utf-8")
            return [json.loads(line) for line in text.splitlines()]
        except (FileNotFoundError, ValueError, RecursionError) as error:
            raise self._damaged(self.metrics) from error

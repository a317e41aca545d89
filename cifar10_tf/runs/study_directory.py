"""What a study of several seeds leaves behind: its runs and two files."""

import logging
import os
import re

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

_log = logging.getLogger(__name__)

# What `study.json` has, where the runs' summaries do, and how it is shown.
METRICS = {
    "test_accuracy": ("test accuracy", ".2%"),
    "test_accuracy_tta": ("test accuracy with TTA", ".2%"),
    "validation_accuracy": ("validation accuracy", ".2%"),
    "train_sec": ("seconds of training", ".1f"),
    "total_sec": ("seconds in all", ".1f"),
}

_RUN = re.compile(r"seed(0|[1-9]\d*)", re.ASCII)

# What a study leaves behind, set aside or half written too.
_OURS = re.compile(
    r"(seed(0|[1-9]\d*)|study\.(json|png))(\.[1-9]\d*)?|\.new-study\.(json|png)",
    re.ASCII,
)


class StudyDirectory:
    """The files of one study, and the directories of its runs."""

    def __init__(self, path: str | os.PathLike):
        self.path = paths.absolute(path)
        self.summary = self.path / "study.json"
        self.picture = self.path / "study.png"
        self.report = self.path / "study.html"
        self.files = (self.summary, self.picture, self.report)

    def run(self, seed: int) -> RunDirectory:
        """Returns the directory of the run with a seed."""
        return RunDirectory(self.path / f"seed{seed}")

    def runs(self) -> list[RunDirectory]:
        """Returns the runs that are there, in the order of their seeds."""
        return [run for run in self._candidates() if run.is_run()]

    def _candidates(self) -> list[RunDirectory]:
        seeds = sorted(
            int(match[1])
            for path in self.path.glob("seed*")
            if (match := _RUN.fullmatch(path.name))
        )
        return list(map(self.run, seeds))

    def set_aside(self) -> None:
        """Renames what is said of all runs, as each of them is renamed."""
        for path in self.files:
            if os.path.lexists(path):
                path.rename(paths.kept(path))

    @classmethod
    def complete_runs(cls, directory: RunDirectory) -> list[RunDirectory]:
        """Returns the complete runs of a study; what is none is one run.

        Those of a study that are not complete are named in a warning.

        Raises:
            UserError: the config of one is damaged.
        """
        if directory.is_run():
            return [directory]
        study = cls(directory.path)
        runs = study.runs()
        for run in study._candidates():
            if run.metrics.exists():
                run.read_config()
        complete = [run for run in runs if run.summary.exists()]
        if complete and len(complete) < len(runs):
            left = [run.path.name for run in runs if run not in complete]
            _log.warning("not complete, and left out: %s.", ", ".join(left))
        return complete or runs[:1] or [directory]

    @classmethod
    def one_run(cls, path: str | os.PathLike) -> RunDirectory:
        """Returns the run in a directory.

        Raises:
            UserError: there are several.
        """
        directory = RunDirectory(path)
        runs = [] if directory.is_run() else cls(path).runs()
        if runs:
            raise UserError(
                f"{directory.path} is a study of several runs. Choose one of "
                f"them: {', '.join(str(run.path) for run in runs[:3])}"
                f"{' ...' if runs[3:] else '.'}"
            )
        return directory

    def check(self) -> None:
        """Checks that what is here, if anything, is a study's.

        Raises:
            UserError: it is a run, or something else that is not ours.
        """
        if RunDirectory(self.path).config.exists():
            raise UserError(
                f"{self.path} holds a run, not a study of several; choose "
                "another --run_dir."
            )
        if self.runs():
            return
        names = os.listdir(self.path) if self.path.is_dir() else []
        theirs = {n for n in names if not _OURS.fullmatch(n)}
        if any(map(self._is_run, names)):  # of a study that was to begin anew
            theirs.clear()
        files = {path.name for path in self.files}
        if theirs := theirs | files.intersection(names):
            raise UserError(
                f"{self.path / min(theirs)} is not of a study, and is left "
                "alone; choose another --run_dir."
            )

    def _is_run(self, name: str) -> bool:
        """Tells whether a run has this name here, perhaps set aside."""
        is_ours = name.startswith("seed") and _OURS.fullmatch(name)
        return bool(is_ours) and RunDirectory(self.path / name).is_run()

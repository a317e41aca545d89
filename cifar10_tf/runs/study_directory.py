"""What a study of several seeds leaves behind: its runs and two files."""

import os
import re

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

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

    def run(self, seed: int) -> RunDirectory:
        """Returns the directory of the run with a seed."""
        return RunDirectory(self.path / f"seed{seed}")

    def runs(self) -> list[RunDirectory]:
        """Returns the runs that are there, in the order of their seeds."""
        seeds = sorted(
            int(match[1])
            for path in self.path.glob("seed*")
            if (match := _RUN.fullmatch(path.name))
        )
        return [run for run in map(self.run, seeds) if run.is_run()]

    def set_aside(self) -> None:
        """Renames what is said of all runs, as each of them is renamed."""
        for path in self.summary, self.picture:
            if os.path.lexists(path):
                path.rename(paths.kept(path))

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
        files = {p.name for p in (self.summary, self.picture)}
        if theirs := theirs | files.intersection(names):
            raise UserError(
                f"{self.path / min(theirs)} is not of a study, and is left "
                "alone; choose another --run_dir."
            )

    def _is_run(self, name: str) -> bool:
        """Tells whether a run has this name here, perhaps set aside."""
        is_ours = name.startswith("seed") and _OURS.fullmatch(name)
        return bool(is_ours) and RunDirectory(self.path / name).is_run()

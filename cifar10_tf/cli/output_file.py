"""The file that --output names."""

import logging
import os
import pathlib

from cifar10_tf.system import paths
from cifar10_tf.system.atomic_files import check_writable
from cifar10_tf.system.errors import UserError

_log = logging.getLogger(__name__)

# Never renamed: they are the same in every run, study and export.
_OF_RUNS = {
    "config.json", "summary.json", "corruptions.json", "report.html",
    "study.json", "study.html", "sweep.json", "sweep.html", "export.json",
    "labels.txt",
}  # fmt: skip


def checked(output: str, suffix: str) -> pathlib.Path | None:
    """Returns where a result goes, which can be written; None without a name.

    Args:
        output: the value of --output.
        suffix: of the file, as ".json".

    Raises:
        UserError: it can't be written.
    """
    if not output:
        return None
    path = paths.absolute(output)
    if problem := _problem(path, suffix):
        raise UserError(f"--output={output} {problem}; choose another file.")
    return path


def keep_earlier(path: pathlib.Path) -> None:
    """Renames what is at a place for a result, if anything: it may be needed.

    Raises:
        OSError: it can't.
    """
    if os.path.lexists(path):
        kept = path.rename(paths.kept(path))
        _log.info("The earlier %s is kept as %s.", path.name, kept.name)


def _problem(path: pathlib.Path, suffix: str) -> str | None:
    if path.suffix != suffix:
        return f"is no name of a {suffix} file, as result{suffix}"
    if path.is_dir():
        return "is a directory"
    if path.name in _OF_RUNS and os.path.lexists(path):
        return "is a run's own"
    if not path.parent.is_dir():
        return f"can't be written (there is no directory {path.parent})"
    try:
        check_writable(path.parent)
    except OSError as error:
        return f"can't be written ({error.strerror})"
    return None

"""The file that --output names."""

import pathlib

from cifar10_tf.system.atomic_files import check_writable
from cifar10_tf.system.errors import UserError

# Never written over: they are the same in every run.
_OF_RUNS = {
    "config.json", "summary.json", "report.html", "study.json", "study.html",
}  # fmt: skip


def check_output(path: pathlib.Path, suffix: str) -> None:
    """Checks that a result can be written, before there is one.

    Args:
        suffix: of the file, as ".json".

    Raises:
        UserError: it can't.
    """
    problem = None
    if path.suffix != suffix:
        problem = f"is no name of a {suffix} file, as result{suffix}"
    elif path.is_dir():
        problem = "is a directory"
    elif path.name in _OF_RUNS and path.exists():
        problem = "is a run's own"
    elif not path.parent.is_dir():
        problem = f"can't be written (there is no directory {path.parent})"
    else:
        try:
            check_writable(path.absolute().parent)
        except OSError as error:
            problem = f"can't be written ({error.strerror})"
    if problem:
        raise UserError(f"--output={path} {problem}; choose another file.")

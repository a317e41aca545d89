"""The file of a trained network, looked at without Keras, which takes long."""

import pathlib
import zipfile

from cifar10_tf.system.errors import UserError

# As Keras's format has it.
MEMBERS = ("config.json", "metadata.json", "model.weights.h5")


def check(path: pathlib.Path) -> None:
    """Checks that the file is there, and is one of Keras's as far as it seems.

    Raises:
        UserError: it is missing, cut off or something else.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing; train it again by --restart.")
    try:
        with zipfile.ZipFile(path) as archive:
            is_whole = {*MEMBERS} <= {*archive.namelist()}
    except PermissionError:
        raise
    except Exception:  # zipfile's own, and those of odd headers
        is_whole = False
    if not is_whole:
        raise UserError(
            f"{path} can't be loaded: it is damaged, or no model of Keras's; "
            "train it again by --restart."
        )

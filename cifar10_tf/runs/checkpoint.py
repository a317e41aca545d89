"""The state of a training on disk: whole, verified, and read without a risk.

A checkpoint is a file `step-STEP-DIGEST.zip` whose name holds the digest of its
step and content; nothing in it is code. There are the bytes of the model's
variables, the seeds of its dropout among them, of the optimizer's and the
metrics', and a record of the rest.
"""

import hashlib
import io
import json
import logging
import pathlib
import re
import zipfile
from typing import Any, NamedTuple

import keras
import numpy as np

from cifar10_tf.runs import checkpoint_files
from cifar10_tf.system.atomic_files import replacing

_log = logging.getLogger(__name__)

_RECORD = "record.json"
_NUMBER = re.compile(r"_\d+(?=[_/]|$)")
_NUM_KEPT = 2


class Checkpoint(NamedTuple):
    """The state after a step.

    Attributes:
        arrays: as `capture` returns them; flat and of bytes from a file.
        record: whatever else there is, as JSON has it.
    """

    step: int
    arrays: list[np.ndarray]
    record: dict[str, Any]


def capture(model: keras.Model) -> list[np.ndarray]:
    """Returns copies of all that a training step changes."""
    return [variable.numpy() for variable in _variables(model)]


def describe(model: keras.Model) -> list[list]:
    """Returns path, shape and dtype of what `capture` copies.

    Keras numbers layers through all models of a process: without the numbers a
    path is the same wherever the model is built.
    """
    return [
        [_NUMBER.sub("", v.path), list(v.shape), str(v.dtype)]
        for v in _variables(model)
    ]


def restore(model: keras.Model, arrays: list[np.ndarray]) -> None:
    """Gives a model, its optimizer and its metrics the values captured.

    Args:
        arrays: of the sizes that `describe` says; bytes will do.
    """
    for variable, array in zip(_variables(model), arrays, strict=True):
        dtype = variable.numpy().dtype
        variable.assign(array.view(dtype).reshape(variable.shape))


def _variables(model: keras.Model) -> list[keras.Variable]:
    # The metrics' because an epoch may be running.
    return [
        *model.variables,
        *model.optimizer.variables,
        *model.metrics_variables,
    ]


def write(directory: pathlib.Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint, then removes all others but the one before it.

    The file takes its name when it is on the disk, whole.

    Raises:
        OSError: it can't be written; the others are left alone.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        record = json.dumps(checkpoint.record, allow_nan=False)
        archive.writestr(_RECORD, record)
        # As bytes: bfloat16 is no type of NumPy's own.
        for i, array in enumerate(checkpoint.arrays):
            archive.writestr(str(i), array.tobytes())
    content = buffer.getbuffer()
    name = f"{_stem(checkpoint.step, content)}.zip"
    with replacing(directory / name) as aside:
        aside.write_bytes(content)
    others = [p for p in checkpoint_files.find(directory) if p.name != name]
    for path in others[_NUM_KEPT - 1 :]:
        path.unlink(missing_ok=True)


def newest(directory: pathlib.Path) -> Checkpoint | None:
    """Returns the checkpoint of the highest step that is whole, if any.

    Damaged ones are named in a warning and renamed, to be passed over.

    Raises:
        OSError: one can't be read, which says nothing of its content.
    """
    for path in checkpoint_files.find(directory):
        try:
            return _read(path)
        except ValueError as error:
            _log.warning(
                "%s is damaged (%s); it is kept as %s.damaged and passed over.",
                path, error, path.name,
            )  # fmt: skip
            checkpoint_files.mark_damaged(path)
    return None


def _stem(step: int, content) -> str:
    digest = hashlib.blake2b(f"{step} ".encode(), digest_size=16)
    digest.update(content)
    return f"step-{step:08}-{digest.hexdigest()}"


def _read(path: pathlib.Path) -> Checkpoint:
    if not path.is_file():
        raise ValueError("it is no file")
    content, step = path.read_bytes(), checkpoint_files.step_of(path)
    if path.stem != _stem(step, content):
        raise ValueError("it does not match the digest in its name")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Ours are not compressed: nothing in it may become more.
            if sum(i.file_size for i in archive.infolist()) > len(content):
                raise ValueError("it is compressed")
            record = json.loads(archive.read(_RECORD))
            arrays = [
                np.frombuffer(archive.read(str(i)), np.uint8)
                for i in range(len(archive.infolist()) - 1)
            ]
    except MemoryError:
        raise
    except Exception as error:  # a zip's or JSON's
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(record, dict):
        raise ValueError("its record is no record")
    return Checkpoint(step, arrays, record)

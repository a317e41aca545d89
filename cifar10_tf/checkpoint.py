"""The state of a training on disk: whole, verified, and read without a risk.

A checkpoint is a file `step-STEP-DIGEST.npz` whose name holds the digest of its
content; nothing in it is code. There are the model's variables, the seeds of
its dropout among them, the optimizer's, the metrics', and a record of the rest.
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

from cifar10_tf.files import replacing

_log = logging.getLogger(__name__)

_NAME = re.compile(r"step-(\d{8,})-([0-9a-f]{32})\.npz", re.ASCII)
_NUM_KEPT = 2


class Checkpoint(NamedTuple):
    """The state after a step.

    Attributes:
        arrays: as `capture` returns them; flat and as bytes from a file.
        record: whatever else there is, as JSON has it.
    """

    step: int
    arrays: list[np.ndarray]
    record: dict[str, Any]


def capture(model: keras.Model) -> list[np.ndarray]:
    """Returns copies of all that a training step changes."""
    return [variable.numpy() for variable in _variables(model)]


def describe(model: keras.Model) -> list[list]:
    """Returns path, shape and dtype of what `capture` copies."""
    return [[v.path, list(v.shape), str(v.dtype)] for v in _variables(model)]


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
    record = json.dumps(checkpoint.record, allow_nan=False).encode()
    # As bytes: bfloat16 is no type of NumPy's own.
    arrays = {
        str(i): np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        for i, array in enumerate(checkpoint.arrays)
    }
    buffer = io.BytesIO()
    np.savez(buffer, record=np.frombuffer(record, np.uint8), **arrays)
    content = buffer.getbuffer()
    name = f"step-{checkpoint.step:08}-{_digest(content)}.npz"
    with replacing(directory / name) as aside:
        aside.write_bytes(content)
    others = [path for path in _find(directory) if path.name != name]
    for path in others[_NUM_KEPT - 1 :]:
        path.unlink(missing_ok=True)


def newest(directory: pathlib.Path) -> Checkpoint | None:
    """Returns the checkpoint of the highest step that is whole, if any.

    Damaged ones are named in a warning and renamed, to be passed over.

    Raises:
        OSError: one can't be read, which says nothing of its content.
    """
    for path in _find(directory):
        try:
            return _read(path)
        except ValueError as error:
            _log.warning(
                "%s is damaged (%s); it is kept as %s.damaged and passed over.",
                path, error, path.name,
            )  # fmt: skip
            path.rename(f"{path}.damaged")
    return None


def remove_unfinished(directory: pathlib.Path) -> None:
    """Removes what a process that died was writing."""
    for path in directory.glob(".new-step-*"):
        path.unlink()


def _find(directory: pathlib.Path) -> list[pathlib.Path]:
    paths = [p for p in directory.glob("step-*.npz") if _NAME.fullmatch(p.name)]
    return sorted(paths, key=_step_of_file, reverse=True)


def _step_of_file(path: pathlib.Path) -> int:
    return int(_NAME.fullmatch(path.name)[1])


def _digest(content) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _read(path: pathlib.Path) -> Checkpoint:
    if not path.is_file():
        raise ValueError("it is no file")
    content = path.read_bytes()
    if _digest(content) != _NAME.fullmatch(path.name)[2]:
        raise ValueError("its content does not match the digest in its name")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Ours are not compressed: nothing in it may become more.
            if sum(i.file_size for i in archive.infolist()) > len(content):
                raise ValueError("it is compressed")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            record = json.loads(arrays["record"].tobytes())
            arrays = [arrays[str(i)] for i in range(len(arrays) - 1)]
    except MemoryError:
        raise
    except Exception as error:  # a zip's, NumPy's or JSON's
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(record, dict):
        raise ValueError("its record is no record")
    return Checkpoint(_step_of_file(path), arrays, record)

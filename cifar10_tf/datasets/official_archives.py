"""CIFAR-10 in the files that its authors publish: verified, then read."""

import hashlib
import io
import pathlib
import pickle
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

_ROWS = 10_000  # of each batch file
_ROW_BYTES = 3 * 32 * 32  # red, green, blue; each row by row

# Where the batch files are below the directory that is given; the last is how
# Keras unpacks them.
_PLACES = (".", "{}", "{}-target/{}")

Batch = tuple[np.ndarray, np.ndarray]


class Form(NamedTuple):
    """One of the two forms in which it is published.

    The archives' SHA-256 are those of TFDS's and Keras's catalogs; of their
    batch files, torchvision's MD5 and MXNet's SHA-1.
    """

    archive: str
    archive_sha256: str
    directory: str  # in the archive
    algorithm: str
    digests: dict[str, str]  # of the batch files; the last is the test split
    parse: Callable[[bytes], Batch]


def _parse_binary(content: bytes) -> Batch:
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + _ROW_BYTES)
    return rows[:, 1:], rows[:, 0]


class _Unpickler(pickle.Unpickler):
    """Unpickles built-in types and arrays, and runs nothing else."""

    _ALLOWED = {  # noqa: RUF012, never written to
        # Its module is private, and another one in NumPy 1.
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module_name: str, global_name: str):
        try:
            return self._ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it refers to {module_name}.{global_name}"
            ) from None


def _parse_python(content: bytes) -> Batch:
    # Python 2 wrote them: its strings are bytes.
    batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    return batch[b"data"], np.array(batch[b"labels"])


FORMS = (
    Form(
        "cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        "cifar-10-batches-py",
        "md5",
        {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
        },
        _parse_python,
    ),
    Form(
        "cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        "cifar-10-batches-bin",
        "sha1",
        {
            "data_batch_1.bin": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
            "data_batch_2.bin": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
            "data_batch_3.bin": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
            "data_batch_4.bin": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
            "data_batch_5.bin": "26e2849e66a845b7f1e4614ae70f4889ae604628",
            "test_batch.bin": "67eb016db431130d61cd03c7ad570b013799c88c",
        },
        _parse_binary,
    ),
)


def find(path: str) -> pathlib.Path:
    """Returns the archive, or the directory of batch files, that is meant.

    Raises:
        UserError: there is none.
    """
    root = paths.absolute(path)
    if root.is_file():
        return root
    for form in FORMS:
        for place in _PLACES:
            directory = root / place.format(form.directory, form.directory)
            if any((directory / name).is_file() for name in form.digests):
                return directory
        if (root / form.archive).is_file():
            return root / form.archive
    archives = " or ".join(form.archive for form in FORMS)
    directories = " or ".join(form.directory for form in FORMS)
    problem = "holds no CIFAR-10" if root.exists() else "does not exist"
    raise UserError(
        f"{root} {problem}; prepare takes {archives}, {directories}, or a "
        "directory that holds one of them."
    )


def check(path: pathlib.Path) -> None:
    """Checks that what `find` found is CIFAR-10 where `read` is not needed.

    A directory with files of it is: `find` has seen that.

    Raises:
        UserError: it is another file.
    """
    if path.is_file():
        with path.open("rb") as file:
            _form(path, file)


def read(path: pathlib.Path) -> dict[str, Batch]:
    """Reads what `find` found, once its published checksums are verified.

    No pickle is read in which anything but arrays and built-in types would be
    made, and nothing is unpacked to the disk.

    Returns:
        By split, in the published order: images, uint8 [num_examples, 32, 32,
        3], and labels, integers.

    Raises:
        UserError: a file is missing, not the published one, or holds something
            else than a batch.
    """
    read_files = _read_archive if path.is_file() else _read_directory
    batches = []
    for name, content, form in read_files(path):
        try:
            batches.append(_check(*form.parse(content)))
        except Exception as error:  # whatever unpickling meets
            raise UserError(
                f"{name} of {path} holds no batch of CIFAR-10 ({error}); "
                "download it again."
            ) from error
    images, labels = zip(*batches, strict=True)
    return {
        "train": (np.concatenate(images[:-1]), np.concatenate(labels[:-1])),
        "test": (images[-1], labels[-1]),
    }


def _check(pixels: np.ndarray, labels: np.ndarray) -> Batch:
    if pixels.shape != (_ROWS, _ROW_BYTES) or pixels.dtype != np.uint8:
        raise ValueError(f"{pixels.dtype} {list(pixels.shape)} as pixels")
    if labels.shape != (_ROWS,) or labels.dtype.kind not in "iu":
        raise ValueError(f"{labels.dtype} {list(labels.shape)} as labels")
    if labels.min() < 0 or labels.max() >= len(CLASS_NAMES):
        raise ValueError("labels out of range")
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _read_archive(path: pathlib.Path) -> Iterator[tuple[str, bytes, Form]]:
    with path.open("rb") as file:
        form = _form(path, file)
        file.seek(0)
        yield from _read_members(path, file, form)


def _form(path: pathlib.Path, file: BinaryIO) -> Form:
    actual = hashlib.file_digest(file, "sha256").hexdigest()
    # By what is in it: browsers, people and Keras rename it.
    for form in FORMS:
        if form.archive_sha256 == actual:
            return form
    expected = ", ".join(
        f"{form.archive} has {form.archive_sha256}" for form in FORMS
    )
    raise UserError(
        f"{path} is damaged, or another file. Its SHA-256 is {actual}; "
        f"{expected}. Download it again."
    )


def _read_members(
    path: pathlib.Path, file, form: Form
) -> Iterator[tuple[str, bytes, Form]]:
    wanted = {f"{form.directory}/{name}": name for name in form.digests}
    try:
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            contents = {
                wanted[member.name]: archive.extractfile(member).read()
                for member in archive
                if member.name in wanted and member.isreg()
            }
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UserError(f"{path} can't be unpacked ({error}).") from error
    for name in form.digests:
        if name not in contents:
            raise UserError(f"{path} lacks the file {form.directory}/{name}.")
        yield name, contents.pop(name), form


def _read_directory(path: pathlib.Path) -> Iterator[tuple[str, bytes, Form]]:
    (form, *_) = (
        form
        for form in FORMS
        if any((path / name).is_file() for name in form.digests)
    )
    for name, expected in form.digests.items():
        try:
            content = (path / name).read_bytes()
        except OSError as error:
            raise UserError(
                f"{path / name} can't be read ({error.strerror}); unpack "
                f"{form.archive} again."
            ) from error
        actual = hashlib.new(
            form.algorithm, content, usedforsecurity=False
        ).hexdigest()
        if actual != expected:
            raise UserError(
                f"{path / name} is not the published file: its "
                f"{form.algorithm.upper()} is {actual}, not {expected}; unpack "
                f"{form.archive} again."
            )
        yield name, content, form

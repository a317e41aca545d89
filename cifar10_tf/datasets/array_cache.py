"""Decoded arrays on disk, keyed by what they were decoded from."""

import hashlib
import json
import logging
import pathlib
import shutil
from collections.abc import Callable, Iterable

import filelock
import numpy as np
import platformdirs

_log = logging.getLogger(__name__)

# Of an entry and of how images are decoded; another number, and old entries are
# not looked at.
_FORMAT = 1

_MANIFEST = "manifest.json"

Arrays = dict[str, np.ndarray]


def load(
    name: str,
    root: pathlib.Path,
    digest: str,
    decode: Callable[[], Arrays],
) -> Arrays:
    """Returns what `decode()` does, decoding only the first time.

    The cached arrays are memory-mapped, and verified against their checksums
    (0.2 s for CIFAR-10); a damaged entry is decoded again. Where the user's
    cache directory can't be written, nothing is cached.

    Args:
        name: what the entry's name begins with.
        root: the directory that they are decoded from.
        digest: of the files that determine the arrays, by which an entry is
            found, as `digest_of_files` returns it.
        decode: returns the arrays by name.
    """
    cache = platformdirs.user_cache_path("cifar10_tf") / "arrays"
    entry = cache / f"{name}-v{_FORMAT}-{digest[:16]}"
    if (arrays := _read(entry)) is not None:
        return arrays
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Acquired here alone: `with` the lock itself would count to two.
        held = filelock.FileLock(f"{entry}.lock").acquire()
    except OSError as error:
        _log.warning("decoded images are not cached (%s).", error)
        return decode()
    with held:  # of several processes that start at once, one decodes
        if (arrays := _read(entry)) is not None:
            return arrays
        _log.info("Decoding %s, once.", root)
        arrays = decode()
        try:
            _write(entry, arrays)
        except OSError as error:
            _log.warning("decoded images are not cached (%s).", error)
    return arrays


def _read(entry: pathlib.Path) -> Arrays | None:
    try:
        digests = json.loads((entry / _MANIFEST).read_text("utf-8"))
        paths = {path.stem: path for path in entry.glob("*.npy")}
        if not paths or digests.keys() != paths.keys():
            raise ValueError("files are missing")
        for name, path in paths.items():
            if _digest_of_file(path) != digests[name]:
                raise ValueError(f"{path.name} has another checksum")
        return {
            name: np.load(path, mmap_mode="r", allow_pickle=False)
            for name, path in paths.items()
        }
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError) as error:
        _log.warning("%s is damaged (%s); decoding again.", entry, error)
        return None


def _write(entry: pathlib.Path, arrays: Arrays) -> None:
    """Writes an entry under another name and puts it in place whole."""
    aside = entry.with_name(f".new-{entry.name}")
    shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
    try:
        aside.mkdir()
        digests = {}
        for name, array in arrays.items():
            path = aside / f"{name}.npy"
            np.save(path, array, allow_pickle=False)
            digests[name] = _digest_of_file(path)
        (aside / _MANIFEST).write_text(json.dumps(digests, indent=2) + "\n")
        shutil.rmtree(entry, ignore_errors=True)
        aside.rename(entry)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def digest_of_files(root: pathlib.Path, paths: Iterable[pathlib.Path]) -> str:
    """Returns the SHA-256 of files' contents and paths relative to `root`."""
    digests = [
        (path.relative_to(root).as_posix(), _digest_if_readable(path))
        for path in sorted(paths)
    ]
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


def _digest_if_readable(path: pathlib.Path) -> str | None:
    try:
        # A pipe would be waited for. What can't be read, decoding reports.
        return _digest_of_file(path) if path.is_file() else None
    except OSError:
        return None


def _digest_of_file(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Data that TFDS has yet to prepare: known to it, within reach, obtained."""

import contextlib
import difflib
import io
import logging
import pathlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import filelock

from cifar10_tf.datasets import official_archives
from cifar10_tf.datasets.names import slug, title
from cifar10_tf.datasets.tfds import decoding, prepared_files
from cifar10_tf.settings.similar_names import did_you_mean
from cifar10_tf.system import tensorflow_startup
from cifar10_tf.system.atomic_files import check_writable
from cifar10_tf.system.errors import UserError

_LATE = "no answer in time"

_log = logging.getLogger(__name__)


def full_name(name: str) -> str:
    """Returns a TFDS name with the config that it stands for, if it has any.

    Raises:
        UserError: TFDS knows no such dataset, or no such config of it.
    """
    name, _, config = name.partition("/")
    builder_class = _builder_class(name)
    if not config:
        default = builder_class.default_builder_config
        return f"{name}/{default.name}" if default else name
    configs = list(builder_class.builder_configs)
    if config not in configs:
        close = difflib.get_close_matches(config, configs)
        raise UserError(
            f"{name} has no config {config!r}; choose from "
            f"{', '.join(close or configs) or 'none: leave it out'}."
        )
    return f"{name}/{config}"


def _builder_class(name: str):
    """Returns TFDS's class, without importing TensorFlow or using a network."""
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if name not in known:
        meant = did_you_mean(name, [*known, "auto", "synthetic10"])
        folder = name if pathlib.Path(name).is_dir() else "PATH"
        raise UserError(
            f"Unknown dataset {name!r}; {meant}{'It' if meant else 'it'} is "
            "neither prepared nor in the catalog of TFDS; images of your own "
            f"are --dataset=folder:{folder}."
        )
    return tfds.builder_cls(name)


def check_labelled(name: str, timeout_sec: float = 4.0) -> None:
    """Checks that a dataset has labelled images, where TFDS knows in time.

    Without a network it does, but for robots' datasets. It takes 0.1 s, and 3 s
    where the dataset's own module imports TensorFlow.

    Args:
        name: as `full_name` returns it.

    Raises:
        UserError: the dataset has none.
    """

    def ask() -> UserError | None:
        import tensorflow_datasets as tfds

        try:
            decoding.feature_names(tfds.builder(name).info)
        except UserError as error:
            return error
        except Exception:  # no network, or a package that it needs
            return None

    with tensorflow_startup.quiet_import():
        refusal = _answer(ask, timeout_sec, late=None)
    if refusal:
        raise refusal


def obstacle(name: str, data_dir: str) -> str | None:
    """Says what keeps a dataset from being used here; None if nothing does.

    Where TFDS doesn't know the addresses of the files, nothing is asked.

    Raises:
        UserError: it is prepared, but damaged.
    """
    if prepared_files.find(name, data_dir):
        return None
    root = prepared_files.data_root(name, data_dir)
    missing = f"{title(name)} is not prepared in {root}"
    try:
        check_writable(root)
    except OSError as error:
        return f"{missing}, which can't be written ({error.strerror})"
    manual = root / "downloads" / "manual"
    absent = [
        url
        for url, archive in _archives(name).items()
        if not (archive and (manual / archive).is_file())
    ]
    failure = _download_failure(absent[0]) if absent else None
    return failure and f"{missing} and can't be downloaded ({failure})"


def _archives(name: str) -> dict[str, str | None]:
    """Returns the name of the file at each address, where TFDS knows them."""
    url_infos = _builder_class(name.partition("/")[0]).url_infos or {}
    return {url: info.filename for url, info in url_infos.items()}


def unobtainable(name: str, obstacle: str) -> UserError:
    """Returns the error for a dataset asked for by name that can't be had."""
    archives = list(filter(None, _archives(name).values()))
    put = f"put {', '.join(archives)} into its downloads/manual, "
    if name == "cifar10":
        put = "give `prepare` an archive or directory of it that you have, "
    return UserError(
        f"{obstacle}; point --data_dir or TFDS_DATA_DIR at a directory that "
        f"holds {name}, {put if archives else ''}or train on "
        "--dataset=synthetic10."
    )


def _download_failure(url: str, timeout_sec: float = 5.0) -> str | None:
    """Says why a URL does not answer in time; None if it does."""

    def ask() -> str | None:
        import requests

        try:
            with requests.get(
                url, stream=True, timeout=timeout_sec
            ) as response:
                ok = response.status_code == requests.codes.ok
                return None if ok else f"HTTP {response.status_code}"
        except requests.Timeout:
            return _LATE  # whichever notices first
        except requests.RequestException as error:
            return type(error).__name__

    return _answer(ask, timeout_sec, _LATE)


def _answer(ask: Callable[[], Any], timeout_sec: float, late: Any) -> Any:
    """Returns what `ask` does, or `late` where that takes too long.

    The thread bounds what no socket timeout does: name look-up, a server that
    sends a byte now and then, TensorFlow's retries.
    """
    outcome = [late]

    def run():
        outcome[0] = ask()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout_sec)
    return outcome[0]


def prepare(
    name: str, data_dir: str, source: pathlib.Path | None = None
) -> pathlib.Path:
    """Gets a dataset ready and returns its directory; shows its progress.

    Several processes may do so at once: one works, the others wait.

    Args:
        name: as `resolve_dataset` returns it.
        data_dir: where TFDS keeps its data; empty for TFDS's own default.
        source: files of CIFAR-10 as `official_archives.find` returns them, to
            be used instead of a download.

    Raises:
        UserError: it can't be downloaded or written, is damaged, or is no
            dataset of labelled images; the source is not the published one.
    """
    directory = prepared_files.find(name, data_dir)
    if directory is not None:
        if source:
            official_archives.check(source)
            _log.info("%s is prepared already: %s is not read.", name, source)
        return directory
    root = prepared_files.data_root(name, data_dir)
    try:
        root.mkdir(parents=True, exist_ok=True)
        # TFDS lets one of several concurrent preparations win and the others
        # die with FileExistsError.
        with filelock.FileLock(root / f".{slug(name)}.lock"):
            if prepared_files.find(name, data_dir) is None:
                _download_and_prepare(name, root, source)
    except OSError as error:
        raise _unprepared(name, root, error) from error
    return prepared_files.find(name, data_dir)


def _download_and_prepare(
    name: str, root: pathlib.Path, source: pathlib.Path | None
) -> None:
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import download_manager

    # synthetic10 registers itself.
    from cifar10_tf.datasets.tfds import (
        cifar10_builder,
        synthetic10,  # noqa: F401
    )

    is_drawn = name == "synthetic10"  # which says how far it is by itself
    if is_drawn or not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        if source:
            builder = cifar10_builder.Cifar10(
                official_archives.read(source), data_dir=root
            )
        else:
            builder = tfds.builder(name, data_dir=root)
        decoding.feature_names(builder.info)
        verb = "Drawing" if is_drawn else "Preparing"
        _log.info("%s %s in %s, once.", verb, name, root)
        with contextlib.ExitStack() as stack:
            if is_drawn:  # TFDS would say that it downloads
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            builder.download_and_prepare()
    except download_manager.NonMatchingChecksumError as error:
        raise UserError(
            f"the archive of {name} under {root / 'downloads'} is not the "
            "published one (its checksum differs); delete it and try again."
        ) from error
    except UserError:
        raise
    except Exception as error:  # of requests, TensorFlow, TFDS, the system
        raise _unprepared(name, root, error) from error


def _unprepared(name: str, root: pathlib.Path, error: Exception) -> UserError:
    detail = " ".join(str(error).split())
    return UserError(
        f"{name} can't be prepared in {root} ({type(error).__name__}: "
        f"{detail}); choose another directory with --data_dir (synthetic10: "
        "XDG_CACHE_HOME) or other data with --dataset."
    )

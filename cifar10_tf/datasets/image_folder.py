"""A folder of image files, train/CLASS/* and test/CLASS/*: found, decoded."""

import logging
import pathlib
import warnings
from typing import NamedTuple

import numpy as np

from cifar10_tf.datasets import array_cache, image_files
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.progress_lines import ProgressLines

_log = logging.getLogger(__name__)

# Windows hides them, though their names don't say so.
_HIDDEN = ("Thumbs.db", "desktop.ini")


class Listing(NamedTuple):
    """The files of a folder, each as (path, label); the classes take turns."""

    root: pathlib.Path
    class_names: tuple[str, ...]
    train: list[tuple[pathlib.Path, int]]
    test: list[tuple[pathlib.Path, int]]


def find(root: pathlib.Path) -> Listing:
    """Lists a folder's files; the classes are train's directories, sorted.

    Hidden files are left out, and so are files outside of a class.

    Raises:
        UserError: a split or all of its images are missing, there are fewer
            than two classes, one is empty, unknown or has no printable name.
    """
    train, test = (_classes(root, split) for split in ("train", "test"))
    class_names = tuple(sorted(train))
    if len(train) < 2:
        raise _unusable(root, "has fewer than two class directories in train")
    if not any(test.values()):
        raise _unusable(root, "has no images in test")
    problems = {
        "empty class directories in train": [
            name for name in class_names if not train[name]
        ],
        "classes in test that train lacks": sorted(set(test) - set(train)),
        "class directories without a printable name": [
            repr(name) for name in class_names if not name.isprintable()
        ],
    }
    for problem, names in problems.items():
        if names:
            raise _unusable(root, f"has {problem}: {', '.join(names)}")
    return Listing(
        root, class_names, *(_in_turn(s, class_names) for s in (train, test))
    )


def digest(listing: Listing) -> str:
    """Returns the SHA-256 of a folder's files and names, wherever it is."""
    paths = [path for path, _ in listing.train + listing.test]
    return array_cache.digest_of_files(listing.root, paths)


def warn_of_strays(root: pathlib.Path) -> None:
    """Warns of files that are in no class, and so are left out."""
    for split in ("train", "test"):
        strays = [p for p in _visible(root / split) if not p.is_dir()]
        if strays:
            _log.warning(
                "files in %s itself are in no class and left out: %d, the "
                "first %s; put them into %s/CLASS/.",
                root / split,
                len(strays),
                strays[0].name,
                split,
            )


def _unusable(root: pathlib.Path, problem: str) -> UserError:
    return UserError(
        f"{root} {problem}; --dataset=folder:PATH needs images in "
        "PATH/train/CLASS/ and, of the same classes, in PATH/test/CLASS/."
    )


def _classes(root: pathlib.Path, split: str) -> dict[str, list[pathlib.Path]]:
    try:
        return {
            directory.name: _visible(directory)
            for directory in _visible(root / split)
            if directory.is_dir()
        }
    except (FileNotFoundError, NotADirectoryError) as error:
        if not root.exists():
            raise UserError(
                f"{_unusable(root, 'does not exist')} If it has moved: "
                "--dataset=folder:NEW."
            ) from error
        raise _unusable(root, f"has no directory {split}") from error


def _visible(directory: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        path
        for path in directory.iterdir()
        if not path.name.startswith(".") and path.name not in _HIDDEN
    )


def _in_turn(
    files: dict[str, list[pathlib.Path]], class_names: tuple[str, ...]
) -> list[tuple[pathlib.Path, int]]:
    """Orders files by their place within their class, then by class.

    So the first of them, which the plots show, are of all classes.
    """
    ranked = [
        (rank, label, path)
        for label, name in enumerate(class_names)
        for rank, path in enumerate(files.get(name, ()))
    ]
    return [(path, label) for _, label, path in sorted(ranked)]


def decode(listing: Listing) -> dict[str, np.ndarray]:
    """Decodes a folder's images, as `image_files.read` does.

    Returns:
        train_images, train_labels, test_images, test_labels and class_names by
        name, as ImageDataset describes them.

    Raises:
        UserError: some files can't be decoded; it names all of them.
    """
    arrays, broken = {"class_names": np.array(listing.class_names)}, []
    for split in ("train", "test"):
        paths, labels = zip(*getattr(listing, split), strict=True)
        pixels, unreadable = _read_all(paths)
        arrays[f"{split}_images"] = pixels
        arrays[f"{split}_labels"] = np.array(labels, np.int64)
        broken += [
            f"{path.relative_to(listing.root)}: {reason}"
            for path, reason in sorted(unreadable)
        ]
    if broken:
        raise UserError(
            f"{len(broken)} of the files in {listing.root} can't be used as "
            "images; mend or remove them:\n  " + "\n  ".join(broken)
        )
    return arrays


def _read_all(paths) -> tuple[np.ndarray, list[tuple[pathlib.Path, str]]]:
    """Returns the images, uint8, and the files that are none, with reasons."""
    size = image_files.SIZE
    pixels, broken = np.zeros((len(paths), size, size, 3), np.uint8), []
    with (
        ProgressLines("Images decoded", len(paths)) as progress,
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", module="PIL")  # of odd metadata
        for i, image in enumerate(image_files.read_all(paths)):
            if isinstance(image, ValueError):
                broken.append((paths[i], str(image)))
            else:
                pixels[i] = image
            progress.advance(1)
    return pixels, broken

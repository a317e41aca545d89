"""Small data, written where the package looks for the real; small trainings."""

import contextlib
import functools
import hashlib
import io
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from unittest import mock

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from cifar10_tf.datasets import official_archives
from cifar10_tf.datasets.tfds import synthetic10
from cifar10_tf.runs import model_file
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.progress_lines import ProgressLines

# One entry of twelve bytes, which end too soon: Pillow warns of it.
ODD_EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0"

# What is read of a complete run's.
SUMMARY = {
    "model": "dropout",
    "dataset": "synthetic10",
    "seed": 1,
    "precision": "float32",
    "test_accuracy": 0.25,
    "test_accuracy_ci95": [0.2, 0.3],
    "test_loss": 2.0,
    "class_names": ["cat", "dog"],
    "per_class_accuracy": {"cat": 0.5, "dog": 0.0},
}


def random_arrays(num_examples: int, num_classes: int = 10):
    """Returns noise images, uint8 [n, 32, 32, 3], and labels taking turns."""
    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (num_examples, 32, 32, 3)).astype(np.uint8)
    return images, np.arange(num_examples, dtype=np.int64) % num_classes


def write_cifar10(
    data_dir: pathlib.Path, num_train: int = 600, num_test: int = 200
) -> pathlib.Path:
    """Prepares a small learnable "cifar10"; returns its version directory."""
    splits = {"train": (1, num_train), "test": (2, num_test)}
    features = {
        "image": tfds.features.Image(shape=(32, 32, 3)),
        "label": tfds.features.ClassLabel(names=official_archives.CLASS_NAMES),
    }
    examples = {
        split: [
            {"image": image, "label": int(label)}
            for image, label in zip(*synthetic10.draw(*seed_size), strict=True)
        ]
        for split, seed_size in splits.items()
    }
    return write_tfds(data_dir, "cifar10", features, examples, version="3.0.2")


def write_tfds(
    data_dir: pathlib.Path,
    dataset: str,
    features: dict,
    examples: dict[str, list[dict]],
    *,
    version: str = "1.0.0",
    supervised_keys: tuple[str, str] | None = None,
) -> pathlib.Path:
    """Prepares `dataset`, NAME or NAME/CONFIG; returns its directory."""
    name_of_dataset, _, config = dataset.partition("/")

    class Fake(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        name = name_of_dataset
        VERSION = tfds.core.Version(version)
        BUILDER_CONFIGS = (
            [tfds.core.BuilderConfig(name=config)] if config else []
        )

        def _info(self):
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(features),
                supervised_keys=supervised_keys,
            )

        def _split_generators(self, dl_manager):
            return {split: enumerate(rows) for split, rows in examples.items()}

        def _generate_examples(self):
            raise NotImplementedError

    builder = Fake(data_dir=data_dir)
    builder.download_and_prepare()
    return pathlib.Path(builder.data_dir)


def write_folder(
    root: pathlib.Path, sizes: dict[str, int], size: int = 40
) -> pathlib.Path:
    """Writes a learnable folder of PNG files, "train/cat": 5 and so on."""
    labels = sorted({pathlib.Path(name).name for name in sizes})
    for seed, (name, count) in enumerate(sizes.items()):
        directory = root / name
        directory.mkdir(parents=True)
        pixels, _ = random_arrays(count + seed)
        pixels = pixels[seed:] // 4
        pixels[..., labels.index(directory.name) % 3] += 150
        for i, image in enumerate(pixels):
            Image.fromarray(image).resize((size, size)).save(
                directory / f"{i}.png"
            )
    return root


def write_results(run: RunDirectory) -> None:
    """Writes what a training leaves, with nothing in it; no summary."""
    run.metrics.touch()
    with zipfile.ZipFile(run.model, "w") as archive:
        for name in model_file.MEMBERS:
            archive.writestr(name, "")


@contextlib.contextmanager
def talkative_progress(module):
    """Yields the text of a module's progress, a line for each step."""
    text = io.StringIO()
    talkative = functools.partial(ProgressLines, stream=text, every_sec=0)
    with mock.patch.object(module, "ProgressLines", talkative):
        yield text


@contextlib.contextmanager
def small_synthetic10():
    """Cuts the embedded data set down to 1000 images a split meanwhile."""
    with (
        mock.patch.object(synthetic10, "_NUM_TRAIN", 1000),
        mock.patch.object(synthetic10, "_NUM_TEST", 1000),
    ):
        yield


def write_synthetic10(data_dir: pathlib.Path) -> pathlib.Path:
    """Prepares the small embedded data set; returns its directory."""
    prepared = _prepared_synthetic10()
    shutil.copytree(prepared.name, data_dir, dirs_exist_ok=True)
    return pathlib.Path(synthetic10.Synthetic10(data_dir=data_dir).data_dir)


@functools.cache
def _prepared_synthetic10() -> tempfile.TemporaryDirectory:
    directory = tempfile.TemporaryDirectory()
    with small_synthetic10():
        builder = synthetic10.Synthetic10(data_dir=directory.name)
        builder.download_and_prepare()
    return directory


def write_published(root: pathlib.Path, num_rows: int) -> None:
    """Writes look-alikes of CIFAR-10's files, packed and unpacked."""
    for form, write in zip(
        official_archives.FORMS, (_python_2_pickle, _binary_batch), strict=True
    ):
        directory = root / form.directory
        directory.mkdir(parents=True)
        for seed, name in enumerate(form.digests):
            images, labels = synthetic10.draw(seed, num_rows)
            pixels = images.transpose(0, 3, 1, 2).reshape(num_rows, -1)
            (directory / name).write_bytes(write(pixels, labels))
        with tarfile.open(root / form.archive, "w:gz") as archive:
            archive.add(directory, form.directory)


def _binary_batch(pixels: np.ndarray, labels: np.ndarray) -> bytes:
    return np.column_stack([labels.astype(np.uint8), pixels]).tobytes()


def _python_2_pickle(pixels: np.ndarray, labels: np.ndarray) -> bytes:
    """Pickles a batch as Python 2 with NumPy 1 did, which Python 3 can't."""
    num_rows, row_bytes = pixels.shape
    return b"".join(
        [
            b"\x80\x02}(U\x06labels](",
            *(b"K" + bytes([label]) for label in labels),
            b"eU\x04datacnumpy.core.multiarray\n_reconstruct\n",
            b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01",
            struct.pack("<cici", b"J", num_rows, b"J", row_bytes),
            b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R",
            b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            struct.pack("<cci", b"\x89", b"T", pixels.size),
            pixels.tobytes(),
            b"tbu.",
        ]
    )


def forms_in(root: pathlib.Path) -> tuple[official_archives.Form, ...]:
    """Returns the forms of CIFAR-10 with the checksums of what is in `root`."""
    return tuple(
        form._replace(
            archive_sha256=_digest(root / form.archive, "sha256"),
            digests={
                name: _digest(root / form.directory / name, form.algorithm)
                for name in form.digests
            },
        )
        for form in official_archives.FORMS
    )


def _digest(path: pathlib.Path, algorithm: str) -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


@contextlib.contextmanager
def published_in(root: pathlib.Path, num_rows: int):
    """Takes what is in `root` for the published files meanwhile."""
    with (
        mock.patch.object(official_archives, "FORMS", forms_in(root)),
        mock.patch.object(official_archives, "_ROWS", num_rows),
    ):
        yield


def environment(cache: pathlib.Path, data_dir: pathlib.Path) -> dict[str, str]:
    """Returns variables for a machine of our own, without a network."""
    nobody = "http://127.0.0.1:9"  # nothing listens there
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {
        "XDG_CACHE_HOME": str(cache),
        "TFDS_DATA_DIR": str(data_dir),
        "no_proxy": "",
        "NO_PROXY": "",
        **dict.fromkeys(names, nobody),
        **dict.fromkeys(map(str.upper, names), nobody),
    }


def fit(
    callbacks,
    *,
    validate: bool = True,
    epochs: int = 2,
    num_examples: int = 10,
    verbose: int = 0,
    optimizer="sgd",
) -> None:
    """Has Keras train a small model, in batches of 4, with these callbacks."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["accuracy"])
    x, y = np.zeros((num_examples, 2)), np.zeros((num_examples, 1))
    model.fit(
        x,
        y,
        batch_size=4,
        epochs=epochs,
        validation_data=(x, y) if validate else None,
        callbacks=callbacks,
        verbose=verbose,
    )


def run_main(*arguments, **kwargs) -> subprocess.CompletedProcess:
    """Runs the command line in a process of its own; captures its output."""
    return subprocess.run(
        [sys.executable, "-m", "cifar10_tf.main", *arguments],
        capture_output=True,
        text=True,
        **kwargs,
    )

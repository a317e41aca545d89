"""Small data, written where the package looks for the real."""

import contextlib
import pathlib
import subprocess
import sys
from unittest import mock

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from cifar10_tf.datasets import synthetic10


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
        "label": tfds.features.ClassLabel(
            names=[f"class{i}" for i in range(10)]
        ),
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
    with small_synthetic10():
        builder = synthetic10.Synthetic10(data_dir=data_dir)
        builder.download_and_prepare()
    return pathlib.Path(builder.data_dir)


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


def run_main(*arguments, **kwargs) -> subprocess.CompletedProcess:
    """Runs the command line in a process of its own; captures its output."""
    return subprocess.run(
        [sys.executable, "-m", "cifar10_tf.main", *arguments],
        capture_output=True,
        text=True,
        **kwargs,
    )

"""Test images that the page draws from, where they are on this machine."""

import threading

import numpy as np
from PIL import Image

from cifar10_tf.datasets.loading import Examples, load_prepared
from cifar10_tf.report.image_sheet import data_uri
from cifar10_tf.runs.run_directory import RunDirectory


class Samples:
    """The test split of a run; read when it is first asked for."""

    def __init__(self, run: RunDirectory):
        self._config = run.read_config()
        self._lock = threading.Lock()
        self._test: Examples | None = None
        self._class_names: tuple[str, ...] = ()

    def draw(self, number: int) -> list[dict[str, str]]:
        """Returns random test images, as PNG, with their labels.

        Raises:
            UserError: the images are not on this machine.
        """
        with self._lock:
            if self._test is None:
                self._read()
        images, labels = self._test
        rows = np.random.default_rng().choice(
            len(labels), min(number, len(labels)), replace=False
        )
        return [
            {
                "label": self._class_names[labels[row]],
                "image": data_uri(Image.fromarray(images[row]), "PNG"),
            }
            for row in rows
        ]

    def _read(self) -> None:
        dataset = load_prepared(self._config.dataset, self._config.data_dir)
        self._class_names, self._test = dataset.class_names, dataset.test

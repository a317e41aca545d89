"""A trained network, of a run or of an export -> predictions for images."""

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from cifar10_tf.datasets import image_files
from cifar10_tf.deployment.image_arguments import Failure, ImageFile
from cifar10_tf.deployment.predictions import Prediction, Predictions
from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.evaluation import tta
from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError

# More are no faster, and activations of that many are tens of megabytes.
_BATCH_SIZE = 128

_PATH = (str, os.PathLike)


class Predictor:
    """Classifies images: files, in any number, or what a program has."""

    def __init__(
        self, runtime: Runtime, *, crop: str = "center", with_tta: bool = False
    ):
        """Takes a network in memory.

        Args:
            runtime: which computes.
            crop: as of `image_files.fit`. The default is what training on
                folders of images does.
            with_tta: averages over six views of each image.
        """
        self.runtime = runtime
        self._crop = crop
        self._with_tta = with_tta

    @classmethod
    def load(cls, path: str | os.PathLike, **options: Any) -> "Predictor":
        """Returns the predictor of a run directory, or of what `export` wrote.

        Raises:
            UserError: as of `by_path.load`.
        """
        return cls(by_path.load(path), **options)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Returns float32 [num_images, num_classes].

        images: uint8 [num_images, 32, 32, 3].
        """
        if not self._with_tta:
            return self.runtime.predict(images)
        return tta.average(self.runtime.predict(tta.make_views(images)))

    def classify(
        self, found: Iterable[ImageFile | Failure]
    ) -> Iterator[Prediction | Failure]:
        """Yields what each of many files is, in order, in constant memory.

        A file that is no image is a failure, and the others go on.
        """
        decoded = self._decode(found)
        while batch := list(itertools.islice(decoded, _BATCH_SIZE)):
            images = [image for _, image in batch if image is not None]
            rows = iter(self.probabilities(np.stack(images)) if images else ())
            for item, image in batch:
                if image is None:
                    yield item
                else:
                    yield self._prediction(item.name, image, next(rows))

    def _decode(
        self, found: Iterable[ImageFile | Failure]
    ) -> Iterator[tuple[ImageFile | Failure, np.ndarray | None]]:
        """Yields what was found with its pixels; a failure has none."""
        found, ahead = itertools.tee(found)
        files = (item.file for item in ahead if isinstance(item, ImageFile))
        decoded = image_files.read_all(files, crop=self._crop)
        for item in found:
            image = None
            if isinstance(item, ImageFile):
                image = next(decoded)
            if isinstance(image, ValueError):
                item, image = Failure(item.name, str(image)), None
            yield item, image

    def predict(self, images: Any) -> Prediction | Predictions:
        """Returns what an image is, or of several a list in their order.

        Args:
            images: a path, a PIL image or an array, or a list of them; or an
                array of several images. Arrays are [height, width], or with 3
                channels, of bytes or of floats in [0, 1]; tensors are arrays.

        Raises:
            UserError: one is no image.
        """
        if isinstance(images, (*_PATH, Image.Image)):
            return self._predict([images])[0]
        is_array = hasattr(images, "__array__")  # a tensor, too
        try:
            if isinstance(images, bytes | bytearray):  # else a list of numbers
                raise TypeError
            several = np.asarray(images) if is_array else list(images)
        except (TypeError, RuntimeError) as error:  # both of PyTorch's tensors
            raise UserError(
                "predict takes paths, PIL images and arrays, got "
                f"{type(images).__name__}."
            ) from error
        if is_array and several.ndim < 4:
            return self._predict([several])[0]
        return self._predict(several)

    def _predict(self, images: list | np.ndarray) -> Predictions:
        pixels = [self._pixels(image) for image in images]
        names = [str(i) if isinstance(i, _PATH) else "" for i in images]
        rows = self.probabilities(np.stack(pixels)) if pixels else ()
        return Predictions(map(self._prediction, names, pixels, rows))

    def _prediction(self, name: str, image, probabilities) -> Prediction:
        return Prediction(name, image, probabilities, self.runtime.class_names)

    def _pixels(self, image: Any) -> np.ndarray:
        """Returns an image as the network takes it."""
        path = paths.absolute(image) if isinstance(image, _PATH) else None
        try:
            if path:
                return image_files.read(path, crop=self._crop)
            if not isinstance(image, Image.Image):
                image = Image.fromarray(_to_bytes(np.asarray(image)))
            return image_files.fit(image, crop=self._crop)
        except (ValueError, OSError, SyntaxError) as error:  # of Pillow's, too
            name = image if path else "an image"
            raise UserError(f"{name} can't be classified: {error}.") from error


def _to_bytes(array: np.ndarray) -> np.ndarray:
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise ValueError(
            "an array of an image is [height, width] or [height, width, 3], "
            f"got {list(array.shape)}"
        )
    if not array.size:
        raise ValueError("it has no pixels")
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"its numbers are {array.dtype}; give bytes, as by "
            '.astype("uint8"), or floats in [0, 1]'
        )
    if not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            "floats must be in [0, 1]; divide by 255, or give bytes (uint8)"
        )
    return np.rint(array * 255).astype(np.uint8)

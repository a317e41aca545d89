"""What images and labels must be."""

import numpy as np


def checked(images, labels, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns images and labels as arrays.

    Raises:
        ValueError: they are of another type or shape than `make_train` takes.
    """
    images, labels = _array("images", images), _array("labels", labels)
    _check(images, labels, num_classes)
    return images, labels


def _array(name: str, values) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{name} must have one shape, to be put into an array ({error})"
        ) from error


def _check(images: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        hint = ""
        if images.dtype != np.uint8:
            hint = "; of floats in [0, 1], give (images * 255).astype('uint8')"
        elif images.ndim == 3:
            hint = "; of grey images, give images[..., None]"
        raise ValueError(
            "images must be uint8 [num_examples, height, width, channels], got "
            f"{images.dtype} {list(images.shape)}{hint}."
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        hint = ""
        if labels.ndim > 1:
            hint = (
                "; of a column, give labels[:, 0], of one-hot labels "
                "labels.argmax(axis=1)"
            )
        raise ValueError(
            f"labels must be {len(images)} integers, one for each image, got "
            f"{labels.dtype} {list(labels.shape)}{hint}."
        )
    if not len(images):
        raise ValueError("there are no images.")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels must be at least 0 and below num_classes, {num_classes}, "
            f"got {labels.min()} to {labels.max()}."
        )

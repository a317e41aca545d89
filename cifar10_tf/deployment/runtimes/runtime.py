"""What all runtimes have in common."""

import abc

import numpy as np

# As many images at a time: more are no faster, and need more memory.
_MOST = 256


class Runtime(abc.ABC):
    """A model in memory: images -> probabilities. For one thread at a time.

    Attributes:
        name: of the library that computes.
        class_names: in the order of the probabilities.
    """

    name: str
    class_names: tuple[str, ...]

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Returns probabilities, float32 [num_images, num_classes].

        Args:
            images: uint8 [num_images, 32, 32, 3]; any number, none too.

        Raises:
            ValueError: the images are of another type or shape.
        """
        if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3):
            raise ValueError(
                "images must be uint8 [num_images, 32, 32, 3], got "
                f"{images.dtype} {list(images.shape)}."
            )
        if not len(images):
            return np.empty((0, len(self.class_names)), np.float32)
        starts = range(0, len(images), _MOST)
        return np.concatenate(
            [self._predict(images[start : start + _MOST]) for start in starts]
        )

    def _check_classes(self, num_outputs: int | None) -> None:
        """Compares the names with the network's outputs, where it tells them.

        Raises:
            ValueError: there are more of ones than of the others.
        """
        if num_outputs not in (None, len(self.class_names)):
            raise ValueError(
                f"{len(self.class_names)} class names for {num_outputs} outputs"
            )

    @abc.abstractmethod
    def _predict(self, images: np.ndarray) -> np.ndarray:
        """Does so for 1 to 256 images."""

"""Arrays -> batches for PyTorch, cropped and mirrored."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.nn import functional

_MEAN, _STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
_PAD = 2
# As of `cifar10_tf.training.low_resolution`, which needs TensorFlow.
_SMALL_SIZE = 24


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 3, height, width] -> float32, channels last."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (_MEAN, _STD))
    x = images.to(torch.float32, memory_format=torch.channels_last)
    return x.sub_(255 * mean).div_(255 * std)


def as_they_are(images: np.ndarray) -> torch.Tensor:
    """uint8 [n, height, width, 3] -> normalised [n, 3, height, width]."""
    return normalised(torch.from_numpy(images).permute(0, 3, 1, 2))


class Views:
    """Random crops of the reflected images.

    A random half is mirrored, and the other half in every second epoch.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        # By NumPy: PyTorch reflects only floating-point numbers.
        edges = [(0, 0), (0, 0), (_PAD, _PAD), (_PAD, _PAD)]
        padded = np.pad(images.transpose(0, 3, 1, 2), edges, "reflect")
        size = images.shape[1]
        self._crops = torch.from_numpy(padded).unfold(2, size, 1)
        self._crops = self._crops.unfold(3, size, 1)
        self._labels = torch.from_numpy(labels).long()
        self._mirrored = torch.rand(len(labels)) < 0.5

    def __len__(self):
        return len(self._labels)

    def take(
        self, indices: torch.Tensor, epoch: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns normalised images and labels; epoch: from 0."""
        tops, lefts = torch.randint(2 * _PAD + 1, (2, len(indices)))
        x = normalised(self._crops[indices, :, tops, lefts])
        mirrored = self._mirrored[indices] ^ (epoch % 2 == 1)
        x[mirrored] = x[mirrored].flip(3)
        return x, self._labels[indices]


class Batches:
    """Epochs of views, each in a new order.

    Args:
        subsets: indices of the images that the first epoch has, the next one
            and so on, and then the first again; as many in each. None: all.
        drop_last: leave out what remains of an epoch after whole batches.
        num_small: how many epochs, the first ones, have images of 24 pixels.
    """

    def __init__(
        self,
        views: Views,
        batch_size: int,
        *,
        subsets: Sequence[torch.Tensor] | None = None,
        drop_last: bool = True,
        num_small: int = 0,
    ):
        self._views, self._num_small = views, num_small
        self._subsets = subsets or [torch.arange(len(views))]
        self.epoch_size = len(self._subsets[0])
        self.batch_size = min(batch_size, self.epoch_size)
        self.drop_last = drop_last

    def __len__(self):
        num_whole, num_left = divmod(self.epoch_size, self.batch_size)
        return num_whole + (num_left > 0 and not self.drop_last)

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yields normalised images and labels; number: from 0."""
        subset = self._subsets[number % len(self._subsets)]
        order = torch.randperm(len(subset)).split(self.batch_size)
        for places in order[: len(self)]:
            x, y = self._views.take(subset[places], number)
            if number < self._num_small:
                x = functional.interpolate(
                    x, (_SMALL_SIZE,) * 2, mode="bilinear", antialias=True
                )
            yield x, y

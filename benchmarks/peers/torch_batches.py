"""PyTorch tensors augmented a batch at a time, as the CIFAR-10 speedruns do.

After the loader of airbench (Keller Jordan, 2024): all images are one tensor,
reflected at the edges once; a batch is cropped by copying, for each shift down
and then for each shift across, the images that drew it.

Tuned for two CPU cores: the mirror images are kept too; images stay bytes until
they are cropped (faster than float32 from the start, and than augmenting an
epoch at once, 20 to 65 thousand images/s); groups are copied by their indices
rather than under masks (a quarter faster). A thread for each core makes whole
batches ahead: PyTorch's own threads wait for each other at every operation,
which was two to ten times slower where something else used a core.
"""

import collections
import functools
from concurrent import futures

import numpy as np
import torch
from torch.nn import functional

from cifar10_tf.system.inventory import num_cpus
from peers.box_of_a_batch import box

_NUM_THREADS = num_cpus()
torch.set_num_threads(1)


def batches(images, labels, case, batch_size):
    """Returns (images [n, 3, 32, 32], integer labels; in `full` soft ones)."""
    view = None if case == "none" else _Shifts(images)
    return Batches(images, labels, case, batch_size, view)


class Batches:
    """Batches without an end, made ahead.

    Args:
        images: uint8 [n, height, width, channels].
        labels: int64 [n].
        case: as `peers` has it.
        batch_size: images a batch.
        view: maps indices to bytes [batch, channels, height, width]; None
            stands for the images as they are.
    """

    def __init__(self, images, labels, case, batch_size, view):
        self._labels = torch.from_numpy(labels)
        if view is None:
            plain = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
            view = functools.partial(plain.index_select, 0)
        self._view, self._case, self._batch_size = view, case, batch_size

    def __iter__(self):
        pending = collections.deque()
        with futures.ThreadPoolExecutor(_NUM_THREADS) as pool:
            for indices in self._indices():
                pending.append(pool.submit(self._batch, indices))
                if len(pending) > 2 * _NUM_THREADS:
                    yield pending.popleft().result()

    def _indices(self):
        while True:
            order = torch.randperm(len(self._labels))
            yield from order.split(self._batch_size)

    def _batch(self, indices):
        y = self._labels[indices]
        x = self._view(indices)
        if self._case == "flip+crop+cutmix":
            x, y = _cutmix(x, y)
        x = x.float().div_(255)
        if self._case in ("flip+crop+cutout", "full"):
            _cutout_(x)
        return _mixup(x, y) if self._case == "full" else (x, y)


class _Shifts:
    """Flips and crops by copying groups of images that are shifted alike."""

    def __init__(self, images, pad=4):
        edges = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
        # By NumPy: PyTorch reflects only floating-point numbers.
        padded = np.pad(images.transpose(0, 3, 1, 2), edges, "reflect")
        both = np.concatenate([padded, padded[..., ::-1]])
        self._both, self._num_images = torch.from_numpy(both), len(images)
        self._num_shifts = 2 * pad + 1

    def __call__(self, indices):
        n = len(indices)
        x = self._both[indices + self._num_images * torch.randint(2, (n,))]
        for dim in (2, 3):
            x = self._shifted(x, dim, torch.randint(self._num_shifts, (n,)))
        return x

    def _shifted(self, x, dim, shifts):
        size = x.shape[dim] - self._num_shifts + 1
        shape = list(x.shape)
        shape[dim] = size
        out = torch.empty(shape, dtype=x.dtype)
        for shift in range(self._num_shifts):
            group = (shifts == shift).nonzero()[:, 0]
            piece = x.narrow(dim, shift, size).index_select(0, group)
            out.index_copy_(0, group, piece)
        return out


def _cutout_(x, side=8):
    n, _, height, width = x.shape
    places = torch.arange(side)
    rows = torch.randint(height - side + 1, (n, 1)) + places
    columns = torch.randint(width - side + 1, (n, 1)) + places
    which = torch.arange(n)[:, None, None]
    x[which, :, rows[:, :, None], columns[:, None, :]] = 0


def _cutmix(x, y):
    rows, columns, share = box(x.shape[2], *torch.rand(3).tolist())
    pasted = x[:, :, rows, columns]
    pasted.copy_(pasted.roll(1, 0))
    y = functional.one_hot(y, 10).float()
    return x, torch.lerp(y, y.roll(1, 0), share)


def _mixup(x, y):
    # Beta(1, 1) is uniform; a shuffled batch rolled by one pairs strangers.
    weight = torch.rand(())
    y = functional.one_hot(y, 10).float()
    return (
        torch.lerp(x.roll(1, 0), x, weight),
        torch.lerp(y.roll(1, 0), y, weight),
    )

"""PyTorch tensors augmented a batch at a time, as the CIFAR-10 speedruns do.

After the loader of airbench (Keller Jordan, 2024): all images are one tensor,
mirrored and reflected at the edges once, and a batch is indexed out of it. The
speedruns then crop by copying groups of images under masks, which is fast on a
GPU; on two CPU cores, reading each image's window through a strided view is
twice as fast, and converting to float32 last is faster than first. A thread for
each core makes whole batches ahead: PyTorch's own threads wait for each other
at every operation, which was two to ten times slower where something else used
a core.
"""

import collections
from concurrent import futures

import numpy as np
import torch
from torch.nn import functional

from cifar10_tf import machine

_NUM_THREADS = machine.num_cpus()
torch.set_num_threads(1)


def batches(images, labels, case, batch_size):
    """Returns (images [n, 3, 32, 32], integer labels; in `full` soft ones)."""
    return _Batches(images, labels, case, batch_size)


class _Batches:
    def __init__(self, images, labels, case, batch_size):
        self._labels = torch.from_numpy(labels)
        if case == "none":
            images = torch.from_numpy(images).permute(0, 3, 1, 2)
            self._images = images.contiguous()
        else:
            self._windows = _windows(images)
        self._case, self._batch_size = case, batch_size

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
        if self._case == "none":
            x = self._images.index_select(0, indices)
        else:
            x = _flip_and_crop(self._windows, indices)
        x = x.float().div_(255)
        if self._case in ("flip+crop+cutout", "full"):
            _cutout_(x)
        return _mixup(x, y) if self._case == "full" else (x, y)


def _windows(images, pad=4, size=32):
    """Returns every crop of every image: [mirrored, image, c, top, left, ...].

    A view of the padded images and their mirror images.
    """
    edges = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
    # By NumPy: PyTorch reflects only floating-point numbers.
    padded = np.pad(images.transpose(0, 3, 1, 2), edges, "reflect")
    both = torch.from_numpy(np.stack([padded, padded[..., ::-1]]))
    return both.unfold(3, size, 1).unfold(4, size, 1)


def _flip_and_crop(windows, indices):
    n, num_shifts = len(indices), windows.shape[3]
    tops, lefts = torch.randint(num_shifts, (2, n))
    return windows[torch.randint(2, (n,)), indices, :, tops, lefts]


def _cutout_(x, side=8):
    n, _, height, width = x.shape
    places = torch.arange(side)
    rows = torch.randint(height - side + 1, (n, 1)) + places
    columns = torch.randint(width - side + 1, (n, 1)) + places
    which = torch.arange(n)[:, None, None]
    x[which, :, rows[:, :, None], columns[:, None, :]] = 0


def _mixup(x, y):
    # Beta(1, 1) is uniform; a shuffled batch rolled by one pairs strangers.
    weight = torch.rand(())
    y = functional.one_hot(y, 10).float()
    return (
        torch.lerp(x.roll(1, 0), x, weight),
        torch.lerp(y.roll(1, 0), y, weight),
    )

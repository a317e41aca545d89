"""This project's own way to flip and crop, written in PyTorch.

Not what people use today: it tells how much of the difference is the method.
All else is as in `torch_batches`.
"""

import numpy as np
import torch

from peers import torch_batches


def batches(images, labels, case, batch_size):
    """Returns (images [n, 3, 32, 32], integer labels; in `full` soft ones)."""
    view = None if case == "none" else _Windows(images)
    return torch_batches.Batches(images, labels, case, batch_size, view)


class _Windows:
    """Every crop of every image: [mirrored, image, c, top, left, ...].

    A strided view of the padded images and their mirror images.
    """

    def __init__(self, images, pad=4, size=32):
        edges = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
        # By NumPy: PyTorch reflects only floating-point numbers.
        padded = np.pad(images.transpose(0, 3, 1, 2), edges, "reflect")
        both = torch.from_numpy(np.stack([padded, padded[..., ::-1]]))
        self._windows = both.unfold(3, size, 1).unfold(4, size, 1)

    def __call__(self, indices):
        n, num_shifts = len(indices), self._windows.shape[3]
        tops, lefts = torch.randint(num_shifts, (2, n))
        return self._windows[torch.randint(2, (n,)), indices, :, tops, lefts]

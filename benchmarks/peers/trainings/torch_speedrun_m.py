"""`speedrun_m` in PyTorch, on the CPU: the same method, another engine.

    python -m peers.trainings.torch_speedrun_m --data=FILE.npz --run_dir=DIR
        [--seed=1] [--epochs=...] [--batch_size=...] [--widths=64,256,256]

The network is that of `cifar10_tf.models.speedrun`, with the optimizers of
`cifar10_tf.optimizers.muon`, and the settings are the model's recipe. A
`speedrun_s`, in PyTorch too, is trained first and chooses the easy images: as
in cifar10_tf, that is a part of `train_sec`.
Files: see `peers.trainings`.
"""

import argparse
import functools
import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cifar10_tf.settings.models import MODELS
from peers.trainings import program
from peers.trainings.batches import Batches, Views, as_they_are
from peers.trainings.evaluation import logits_of
from peers.trainings.muon import Muon
from peers.trainings.network import Network, whitening_layer
from peers.trainings.training import Training, gradient_step, schedule

RECIPE, PROXY_RECIPE = (
    MODELS[name].recipe for name in ("speedrun_m", "speedrun_s")
)
_PROXY_WIDTHS = (32, 96)
_MOMENTUM = 0.6
_HEAD_RATIO, _ADAM_RATIO = 0.5, 0.1  # times Muon's rate


class _Head(nn.Linear):
    """A linear layer in float32 that starts at zero."""

    def __init__(self, width: int):
        super().__init__(width, 10)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def make_training(
    images: np.ndarray, labels: np.ndarray, arguments: argparse.Namespace
) -> Training:
    """Returns the recipe on uint8 [n, 32, 32, 3] and labels below 10."""
    views = Views(images, labels)
    start = time.perf_counter()
    easy_every = RECIPE["easy_every"]
    is_easy = find_easy_images(images, labels, views, easy_every)
    train_sec = time.perf_counter() - start
    batches = Batches(
        views,
        arguments.batch_size,
        subsets=epoch_subsets(is_easy, easy_every),
        drop_last=False,
        num_small=_num_small(RECIPE, arguments.epochs),
    )
    network = make_network(images, arguments.widths)
    return _training(network, batches, RECIPE, arguments.epochs, train_sec)


def _num_small(recipe: Mapping, epochs: float) -> int:
    return round(recipe["low_resolution"] * epochs)


def make_network(
    images: np.ndarray,
    widths: Sequence[int],
    kernel_size: int = 2,
    stride: int = 1,
) -> Network:
    """Returns the network; kernel_size, stride: of the whitening layer."""
    return Network(
        whitening_layer(
            as_they_are(images[:5000]),
            kernel_size,
            stride,
            is_centred=True,
            bias=False,
            epsilon=0.05,  # as of `Whitening`, which needs TensorFlow
        ),
        widths,
        _Head,
        activation=functools.partial(nn.ReLU, inplace=True),
        epsilon=1e-5,
        momentum=0.1,
    )


def _training(
    network: Network,
    batches: Batches,
    recipe: Mapping,
    epochs: float,
    train_sec: float = 0.0,
) -> Training:
    num_steps = math.ceil(epochs * len(batches))
    rate = recipe["learning_rate"]
    optimizers = [
        Muon(network.kernels(), rate, _MOMENTUM),
        torch.optim.SGD(
            [network.head.weight],
            _HEAD_RATIO * rate,
            momentum=_MOMENTUM,
            nesterov=True,
        ),
        torch.optim.Adam(
            [*network.shifts(), network.head.bias],
            _ADAM_RATIO * rate,
            eps=1e-7,
        ),
    ]

    def train_step(x: torch.Tensor, y: torch.Tensor, step: int) -> None:
        schedule(optimizers, 1 - step / num_steps)
        smoothing = recipe["label_smoothing"]
        gradient_step(network, optimizers, x, y, label_smoothing=smoothing)

    return Training(network, batches, num_steps, train_step, train_sec)


def find_easy_images(
    images: np.ndarray, labels: np.ndarray, views: Views, easy_every: int
) -> np.ndarray:
    """Returns which images are easy, bool [num_images].

    They are the half to whose right class a `speedrun_s`, trained on all of
    them for it, gives the highest probabilities.
    """
    recipe = PROXY_RECIPE
    proxy = make_network(images, _PROXY_WIDTHS, kernel_size=3, stride=2)
    batches = Batches(
        views,
        recipe["batch_size"],
        drop_last=False,
        num_small=_num_small(recipe, recipe["epochs"]),
    )
    training = _training(proxy, batches, recipe, recipe["epochs"])
    for _ in training.epochs():
        pass
    losses = functional.cross_entropy(
        logits_of(proxy, images),
        torch.from_numpy(labels).long(),
        reduction="none",
    )
    num_easy = len(labels) // 2 // easy_every * easy_every
    is_easy = np.zeros(len(labels), bool)
    is_easy[losses.argsort()[:num_easy]] = True
    return is_easy


def epoch_subsets(is_easy: np.ndarray, easy_every: int) -> list[torch.Tensor]:
    """Returns the images of an epoch, those of the next one, and so on.

    Each has all that are not easy, and its share of the easy ones.
    """
    hard, easy = (np.flatnonzero(which) for which in (~is_easy, is_easy))
    return [
        torch.from_numpy(np.concatenate([hard, easy[first::easy_every]]))
        for first in range(easy_every)
    ]


if __name__ == "__main__":
    flags = program.parser(
        __doc__, epochs=RECIPE["epochs"], batch_size=RECIPE["batch_size"]
    )
    program.run("torch_speedrun_m", make_training, flags.parse_args())

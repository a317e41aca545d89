"""The published fast recipe in PyTorch, whole, on the CPU.

    python -m peers.trainings.torch_speedrun --data=FILE.npz --run_dir=DIR
        [--seed=1] [--epochs=9.9] [--batch_size=1024] [--widths=64,256,256]

After "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (Keller Jordan,
arXiv:2404.00498) and its program airbench94: the recipe with all its parts,
written anew for the CPU, with published defaults. Files: see `peers.trainings`.
"""

import argparse
import math

import numpy as np
import torch
from torch import nn

from peers.trainings import program
from peers.trainings.batches import Batches, Views, as_they_are
from peers.trainings.network import Network, whitening_layer
from peers.trainings.training import Training, gradient_step, schedule

_MOMENTUM = 0.85
# The paper's: per 1024 examples, made independent of momentum and rate.
_LEARNING_RATE, _WEIGHT_DECAY = 11.5, 0.0153
_SHIFT_RATE = 64  # times the learning rate of all else, for BatchNorm's shifts
_LABEL_SMOOTHING = 0.2
_WHITENING_BIAS_EPOCHS = 3
_SLOW_EVERY = 5  # steps


class _Head(nn.Linear):
    """A linear layer whose logits are a ninth of what it gives."""

    def __init__(self, width: int):
        super().__init__(width, 10, bias=False)

    def forward(self, x):
        return super().forward(x) / 9


def make_training(
    images: np.ndarray, labels: np.ndarray, arguments: argparse.Namespace
) -> Training:
    """Returns the recipe on uint8 [n, 32, 32, 3] and labels below 10."""
    whitening = whitening_layer(as_they_are(images[:5000]))
    network = Network(whitening, arguments.widths, _Head)
    batches = Batches(Views(images, labels), arguments.batch_size)
    num_steps = math.ceil(arguments.epochs * len(batches))
    step = _Step(network, batches, num_steps)
    return Training(network, batches, num_steps, step)


class _Step:
    """Nesterov's SGD whose weights are drawn to their averages: lookahead."""

    def __init__(self, network: Network, batches: Batches, num_steps: int):
        self._network, self._num_steps = network, num_steps
        self._whitening_steps = _WHITENING_BIAS_EPOCHS * len(batches)
        self._optimizer = _optimizer(network, batches.batch_size)
        self._slow = [value.clone() for value in _averaged(network)]

    def __call__(self, x: torch.Tensor, y: torch.Tensor, step: int) -> None:
        network, num_steps = self._network, self._num_steps
        network.whitening.bias.requires_grad_(step < self._whitening_steps)
        peak = int(0.23 * num_steps)
        share = np.interp(step, [0, peak, num_steps], [0.2, 1, 0.07])
        schedule([self._optimizer], share)
        gradient_step(
            network, [self._optimizer], x, y, label_smoothing=_LABEL_SMOOTHING
        )
        step += 1
        if step % _SLOW_EVERY == 0:
            inertia = 0.95**_SLOW_EVERY * (step / num_steps) ** 3
            for mean, value in zip(self._slow, _averaged(network), strict=True):
                value.copy_(mean.lerp_(value, 1 - inertia))
        if step == num_steps:  # it ends with the slow weights
            for mean, value in zip(self._slow, _averaged(network), strict=True):
                value.copy_(mean)


def _optimizer(network: Network, batch_size: int) -> torch.optim.SGD:
    rate = _LEARNING_RATE * batch_size / 1024 / (1 + 1 / (1 - _MOMENTUM))
    decay = _WEIGHT_DECAY / _LEARNING_RATE
    others = [network.whitening.bias, *network.kernels(), network.head.weight]
    groups = [
        {"params": others},
        {
            "params": network.shifts(),
            "lr": rate * _SHIFT_RATE,
            "weight_decay": decay / _SHIFT_RATE,  # decays at the same rate
        },
    ]
    return torch.optim.SGD(
        groups, lr=rate, weight_decay=decay, momentum=_MOMENTUM, nesterov=True
    )


def _averaged(network: Network) -> list[torch.Tensor]:
    """Returns what lookahead averages, BatchNorm's statistics included."""
    values = network.state_dict().values()
    return [v for v in values if v.is_floating_point()]


if __name__ == "__main__":
    flags = program.parser(__doc__, epochs=9.9, batch_size=1024)
    program.run("torch_speedrun", make_training, flags.parse_args())

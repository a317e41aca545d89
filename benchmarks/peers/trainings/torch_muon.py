"""The published Muon recipe in PyTorch, whole, on the CPU.

    python -m peers.trainings.torch_muon --data=FILE.npz --run_dir=DIR
        [--seed=1] [--epochs=8] [--batch_size=2000] [--activation=gelu]
        [--widths=64,256,256]

After the fastest of Jordan's programs for 94 %, airbench94_muon of
github.com/KellerJordan/cifar10-airbench: the network of arXiv:2404.00498, with
Muon for its convolutions, written anew for the CPU, with published defaults.
Files: see `peers.trainings`.

Not published are other batch sizes, and ReLU. The loss is a sum, so that the
rates of all but the convolutions follow the batch size; Muon's follows its
square root, as is the rule where an update's size does not depend on the
gradient's (Malladi et al., arXiv:2205.10287).
"""

import argparse
import functools
import math

import numpy as np
import torch
from torch import nn

from peers.trainings import program
from peers.trainings.batches import Batches, Views, as_they_are
from peers.trainings.muon import Muon
from peers.trainings.network import Network, whitening_layer
from peers.trainings.training import Training, gradient_step, schedule

_BATCH_SIZE = 2000
_MUON_RATE = 0.24  # with that batch size
_MOMENTUM = 0.85  # of all that is not Muon's
_BIAS_RATE, _HEAD_RATE = 0.053, 0.67
_WEIGHT_DECAY = 2e-6  # an example and step, whatever the rate
_LABEL_SMOOTHING = 0.2
_WHITENING_BIAS_EPOCHS = 3

_ACTIVATIONS = {
    "gelu": nn.GELU,
    "relu": functools.partial(nn.ReLU, inplace=True),
}


class _Head(nn.Linear):
    """Weights of standard deviation 1, and logits that are means."""

    def __init__(self, width: int):
        super().__init__(width, 10, bias=False)
        with torch.no_grad():
            self.weight.div_(self.weight.std())

    def forward(self, x):
        return super().forward(x) / self.in_features


def make_training(
    images: np.ndarray, labels: np.ndarray, arguments: argparse.Namespace
) -> Training:
    """Returns the recipe on uint8 [n, 32, 32, 3] and labels below 10."""
    network = Network(
        whitening_layer(as_they_are(images[:5000])),
        arguments.widths,
        _Head,
        activation=_ACTIVATIONS[arguments.activation],
    )
    batches = Batches(Views(images, labels), arguments.batch_size)
    num_steps = math.ceil(arguments.epochs * len(batches))
    whitening_steps = _WHITENING_BIAS_EPOCHS * len(batches)
    optimizers = _optimizers(network, batches.batch_size)
    whitening, *others = optimizers

    def train_step(x: torch.Tensor, y: torch.Tensor, step: int) -> None:
        is_trained = step < whitening_steps
        network.whitening.bias.requires_grad_(is_trained)
        schedule([whitening], 1 - step / whitening_steps)
        schedule(others, 1 - step / num_steps)
        gradient_step(
            network,
            optimizers if is_trained else others,
            x,
            y,
            label_smoothing=_LABEL_SMOOTHING,
            reduction="sum",
        )

    return Training(network, batches, num_steps, train_step)


def _optimizers(
    network: Network, batch_size: int
) -> list[torch.optim.Optimizer]:
    """Returns that of the whitening layer's bias, and those of the rest."""

    def sgd(parameters: list[nn.Parameter], rate: float) -> torch.optim.SGD:
        return torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=_MOMENTUM,
            nesterov=True,
            weight_decay=_WEIGHT_DECAY * batch_size / rate,
        )

    return [
        sgd([network.whitening.bias], _BIAS_RATE),
        sgd(network.shifts(), _BIAS_RATE),
        sgd([network.head.weight], _HEAD_RATE),
        Muon(
            network.kernels(),
            lr=_MUON_RATE * math.sqrt(batch_size / _BATCH_SIZE),
        ),
    ]


def _arguments() -> argparse.Namespace:
    flags = program.parser(__doc__, epochs=8, batch_size=_BATCH_SIZE)
    flags.add_argument("--activation", choices=_ACTIVATIONS, default="gelu")
    return flags.parse_args()


if __name__ == "__main__":
    program.run("torch_muon", make_training, _arguments())

"""The network of the fast recipes: Jordan, arXiv 2404.00498."""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional


class Network(nn.Module):
    """A whitening layer, groups of two convolutions, a linear layer.

    Args:
        whitening: as `whitening_layer` returns it.
        widths: channels of each group.
        make_head: from their last number to what gives the logits.
        activation: of the whitening layer and the groups, a class.
        epsilon, momentum: of batch normalisation, as PyTorch has them.
    """

    def __init__(
        self,
        whitening: nn.Conv2d,
        widths: Sequence[int],
        make_head: Callable[[int], nn.Module],
        *,
        activation: type[nn.Module] = nn.GELU,
        epsilon: float = 1e-12,
        momentum: float = 0.4,
    ):
        super().__init__()

        def norm(num_channels: int) -> nn.BatchNorm2d:
            layer = nn.BatchNorm2d(num_channels, epsilon, momentum)
            layer.weight.requires_grad_(False)  # it shifts, and scales nothing
            return layer

        def group(num_in: int, num_out: int) -> nn.Sequential:
            return nn.Sequential(
                _convolution(num_in, num_out),
                nn.MaxPool2d(2),
                norm(num_out),
                activation(),
                _convolution(num_out, num_out),
                norm(num_out),
                activation(),
            )

        self.whitening = whitening
        self.activation = activation()
        pairs = zip([whitening.out_channels, *widths], widths, strict=False)
        self.groups = nn.Sequential(*(group(*pair) for pair in pairs))
        self.head = make_head(widths[-1])
        self.to(memory_format=torch.channels_last)

    def forward(self, x):
        x = self.groups(self.activation(self.whitening(x)))
        return self.head(functional.max_pool2d(x, x.shape[2:]).flatten(1))

    def kernels(self) -> list[nn.Parameter]:
        """Returns those of the groups' convolutions."""
        return _of(self, nn.Conv2d, "weight")[1:]

    def shifts(self) -> list[nn.Parameter]:
        """Returns those of batch normalisation."""
        return _of(self, nn.BatchNorm2d, "bias")


def _of(network: Network, kind: type, name: str) -> list[nn.Parameter]:
    return [getattr(m, name) for m in network.modules() if isinstance(m, kind)]


def _convolution(num_in: int, num_out: int) -> nn.Conv2d:
    convolution = nn.Conv2d(num_in, num_out, 3, padding="same", bias=False)
    nn.init.dirac_(convolution.weight.data[:num_in])  # the identity
    return convolution


def whitening_layer(
    images: torch.Tensor,
    kernel_size: int = 2,
    stride: int = 1,
    *,
    is_centred: bool = False,
    bias: bool = True,
    epsilon: float = 5e-4,
) -> nn.Conv2d:
    """Returns a layer that makes patches of such images uncorrelated.

    24 filters, twelve and their negatives; they are not trained.

    Args:
        images: normalised [n, 3, height, width].
        is_centred: whether the patches' mean is taken off before they are
            measured.
        epsilon: what is added to the variances.
    """
    patches = functional.unfold(images, kernel_size, stride=stride)
    size = patches.shape[1]
    patches = patches.transpose(1, 2).reshape(-1, size)
    if is_centred:
        patches = patches - patches.mean(0)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / torch.sqrt(values + epsilon)).T[-12:]
    filters = filters.reshape(12, 3, kernel_size, kernel_size)
    layer = nn.Conv2d(3, 24, kernel_size, stride, bias=bias)
    layer.weight.requires_grad_(False)
    layer.weight.copy_(torch.cat([filters, -filters]))
    return layer

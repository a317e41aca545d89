"""Muon, an optimizer that orthogonalizes the updates of kernels."""

import math
from collections.abc import Iterable

import torch

# Of the Newton-Schulz iteration x -> a x + b (x x') x + c (x x')^2 x.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_NUM_ITERATIONS = 3
_EPSILON = 1e-7
_DTYPE = torch.bfloat16


class Muon(torch.optim.Optimizer):
    """Brings a kernel to norm sqrt(outputs), and takes an orthogonal step.

    With Nesterov's momentum. Jordan et al., kellerjordan.github.io/posts/muon,
    as in their CIFAR-10 record; `cifar10_tf.optimizers.muon` is the same.
    """

    def __init__(
        self,
        kernels: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.6,
    ):
        super().__init__(kernels, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        """Changes the kernels [out, ...], all of which have gradients."""
        for group in self.param_groups:
            for kernel in group["params"]:
                state, gradient = self.state[kernel], kernel.grad
                if not state:
                    state["momentum"] = torch.zeros_like(gradient)
                momentum = state["momentum"]
                momentum.mul_(group["momentum"]).add_(gradient)
                update = gradient.add(momentum, alpha=group["momentum"])
                update = orthogonalized(update.flatten(1)).view(kernel.shape)
                norm = math.sqrt(len(kernel))
                kernel.mul_(norm / (kernel.norm() + _EPSILON))
                kernel.sub_(update, alpha=group["lr"])


def orthogonalized(matrix: torch.Tensor) -> torch.Tensor:
    """Brings a matrix's large singular values near to 1; keeps its vectors.

    matrix: float32 [rows, columns], fewest rows for speed.
    """
    x = (matrix / (matrix.norm() + _EPSILON)).to(_DTYPE)
    for _ in range(_NUM_ITERATIONS):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.to(matrix.dtype)

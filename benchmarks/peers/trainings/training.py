"""The loop that all trainings share, and what is in a step of each."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch.nn import functional

from peers.trainings.batches import Batches
from peers.trainings.network import Network


class Training:
    """A network and all that it is trained with.

    Args:
        num_steps: of the whole training.
        train_step: called with images, labels and the number of the step,
            from 0.
        train_sec: seconds of training that have gone by already.

    Attributes:
        train_sec: seconds of steps and their input so far.
        num_images: what the steps so far had.
    """

    def __init__(
        self,
        network: Network,
        batches: Batches,
        num_steps: int,
        train_step: Callable[[torch.Tensor, torch.Tensor, int], None],
        train_sec: float = 0.0,
    ):
        self.network, self.batches = network, batches
        self.num_steps, self._train_step = num_steps, train_step
        self.train_sec, self.num_images = train_sec, 0

    def epochs(self) -> Iterator[float]:
        """Trains; yields after each epoch how many are done."""
        step, per_epoch = 0, len(self.batches)
        while step < self.num_steps:
            self.network.train()
            start = time.perf_counter()
            batches = self.batches.epoch(step // per_epoch)
            for x, y in itertools.islice(batches, self.num_steps - step):
                self._train_step(x, y, step)
                self.num_images += len(y)
                step += 1
            self.train_sec += time.perf_counter() - start
            yield step / per_epoch


def gradient_step(
    network: Network,
    optimizers: Sequence[torch.optim.Optimizer],
    x: torch.Tensor,
    y: torch.Tensor,
    **kwargs,
) -> None:
    """Makes a step of optimizers down the cross-entropy; kwargs: its own."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(x)
    loss = functional.cross_entropy(logits.float(), y, **kwargs)
    network.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()


def schedule(optimizers: Sequence[torch.optim.Optimizer], share: float) -> None:
    """Sets each rate to a share of what it was at first."""
    for group in itertools.chain(*(o.param_groups for o in optimizers)):
        group["lr"] = share * group.setdefault("initial_lr", group["lr"])

"""A network's answers, plain and with test-time augmentation."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from peers.trainings.batches import as_they_are
from peers.trainings.network import Network

_BATCH_SIZE = 2000


def plain(x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    """The images as they are; the form is (weight, view)."""
    return [(1, x)]


def six_views(x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    """As they are and shifted both ways along the diagonal, and mirrored."""
    padded = functional.pad(x, (1, 1, 1, 1), "reflect")
    views = [(0.25, x)]
    views += [(0.125, padded[..., :-2, :-2]), (0.125, padded[..., 2:, 2:])]
    return views + [(weight, view.flip(3)) for weight, view in views]


@torch.inference_mode()
def logits_of(
    network: Network, images: np.ndarray, views: Callable = plain
) -> torch.Tensor:
    """Returns float32 [n, 10] for uint8 [n, 32, 32, 3]."""
    network.eval()
    logits, layout = [torch.empty(0, 10)], torch.channels_last
    for start in range(0, len(images), _BATCH_SIZE):
        x = as_they_are(images[start : start + _BATCH_SIZE])
        with torch.autocast("cpu", torch.bfloat16):
            logits.append(
                sum(
                    weight
                    * network(view.contiguous(memory_format=layout)).float()
                    for weight, view in views(x)
                )
            )
    return torch.cat(logits)


def accuracy(
    network: Network,
    images: np.ndarray,
    labels: np.ndarray,
    views: Callable = plain,
) -> float | None:
    """Returns the share of right answers, None of nothing."""
    answers = logits_of(network, images, views).argmax(1).numpy()
    return float((answers == labels).mean()) if len(labels) else None

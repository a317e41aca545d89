"""The published fast recipe in PyTorch, whole, on the CPU.

    python benchmarks/peers/torch_speedrun.py --data=FILE.npz --run_dir=DIR
        [--seed=1] [--epochs=9.9] [--batch_size=1024] [--widths=64,256,256]

After "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (Keller Jordan,
arXiv:2404.00498) and its program airbench94: the recipe with all its parts,
written anew for the CPU, in bfloat16, channels-last, with published defaults.

FILE.npz has train_images, uint8 [n, 32, 32, 3], and train_labels, integers
below 10, and the same as validation_..., which may be empty, and test_....

Writes metrics.jsonl and, at the end, summary.json, with cifar10_tf's names.
As there, `train_sec` counts the steps and their input and nothing else.
"""

import argparse
import itertools
import json
import math
import pathlib
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_MEAN, _STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
_PAD = 2
_EVAL_BATCH_SIZE = 2000

_MOMENTUM = 0.85
# The paper's: per 1024 examples, made independent of momentum and rate.
_LEARNING_RATE, _WEIGHT_DECAY = 11.5, 0.0153
_SHIFT_RATE = 64  # times the learning rate of all else, for BatchNorm's shifts
_LABEL_SMOOTHING = 0.2
_WHITENING_BIAS_EPOCHS = 3
_SLOW_EVERY = 5  # steps


class Network(nn.Module):
    """A whitening layer, three groups of two convolutions, a linear layer.

    Args:
        images: normalised [n, 3, 32, 32]; the whitening is theirs.
        widths: channels of each group.
    """

    def __init__(self, images: torch.Tensor, widths: list[int]):
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        self.whitening.weight.requires_grad_(False)
        self.whitening.weight.copy_(_whitening(images))
        pairs = zip([24, *widths], widths, strict=False)
        self.groups = nn.Sequential(*(_group(*pair) for pair in pairs))
        self.head = nn.Linear(widths[-1], 10, bias=False)

    def forward(self, x):
        x = self.groups(functional.gelu(self.whitening(x)))
        return self.head(functional.max_pool2d(x, 3).flatten(1)) / 9


def _group(num_in: int, num_out: int) -> nn.Sequential:
    return nn.Sequential(
        _convolution(num_in, num_out),
        nn.MaxPool2d(2),
        _shift_norm(num_out),
        nn.GELU(),
        _convolution(num_out, num_out),
        _shift_norm(num_out),
        nn.GELU(),
    )


def _convolution(num_in: int, num_out: int) -> nn.Conv2d:
    convolution = nn.Conv2d(num_in, num_out, 3, padding="same", bias=False)
    nn.init.dirac_(convolution.weight.data[:num_in])  # the identity
    return convolution


def _shift_norm(num_channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(num_channels, eps=1e-12, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm


def _whitening(images: torch.Tensor) -> torch.Tensor:
    """Returns filters [24, 3, 2, 2] that whiten 2x2 patches, and negatives."""
    patches = functional.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / torch.sqrt(values + 5e-4)).T.reshape(12, 3, 2, 2)
    return torch.cat([filters, -filters])


class Batches:
    """Random crops of the reflected images, each epoch in a new order.

    A random half is mirrored, and the other half in every second epoch. What
    remains of an epoch after whole batches is left out, as published.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, batch_size: int):
        # By NumPy: PyTorch reflects only floating-point numbers.
        edges = [(0, 0), (0, 0), (_PAD, _PAD), (_PAD, _PAD)]
        padded = np.pad(images.transpose(0, 3, 1, 2), edges, "reflect")
        size = images.shape[1]
        self._crops = torch.from_numpy(padded).unfold(2, size, 1)
        self._crops = self._crops.unfold(3, size, 1)
        self._labels = torch.from_numpy(labels).long()
        self._mirrored = torch.rand(len(labels)) < 0.5
        self.batch_size = min(batch_size, len(labels))

    def __len__(self):
        return len(self._labels) // self.batch_size

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yields normalised images and labels; number: from 0."""
        order = torch.randperm(len(self._labels)).split(self.batch_size)
        for indices in order[: len(self)]:
            tops, lefts = torch.randint(2 * _PAD + 1, (2, len(indices)))
            x = _normalised(self._crops[indices, :, tops, lefts])
            mirrored = self._mirrored[indices] ^ (number % 2 == 1)
            x[mirrored] = x[mirrored].flip(3)
            yield x, self._labels[indices]


def _normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 3, height, width] -> float32, channels last."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (_MEAN, _STD))
    x = images.to(torch.float32, memory_format=torch.channels_last)
    return x.sub_(255 * mean).div_(255 * std)


def _optimizer(network: Network, batch_size: int) -> torch.optim.SGD:
    trained = [p for p in network.parameters() if p.requires_grad]
    shifts = [
        m.bias for m in network.modules() if isinstance(m, nn.BatchNorm2d)
    ]
    ids = set(map(id, shifts))
    rate = _LEARNING_RATE * batch_size / 1024 / (1 + 1 / (1 - _MOMENTUM))
    decay = _WEIGHT_DECAY / _LEARNING_RATE
    groups = [
        {"params": [p for p in trained if id(p) not in ids]},
        {
            "params": shifts,
            "lr": rate * _SHIFT_RATE,
            "weight_decay": decay / _SHIFT_RATE,  # decays at the same rate
        },
    ]
    return torch.optim.SGD(
        groups, lr=rate, weight_decay=decay, momentum=_MOMENTUM, nesterov=True
    )


def train_epochs(
    network: Network, batches: Batches, num_steps: int
) -> Iterator[tuple[float, float]]:
    """Trains; yields epochs and seconds of training so far after each epoch."""
    optimizer = _optimizer(network, batches.batch_size)
    peak = int(0.23 * num_steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: np.interp(step, [0, peak, num_steps], [0.2, 1, 0.07]),
    )
    slow = [value.clone() for value in _averaged(network)]
    step, train_sec = 0, 0.0
    while step < num_steps:
        epoch = step // len(batches)
        network.train()
        network.whitening.bias.requires_grad_(epoch < _WHITENING_BIAS_EPOCHS)
        start = time.perf_counter()
        for x, y in itertools.islice(batches.epoch(epoch), num_steps - step):
            _train_step(network, optimizer, x, y)
            schedule.step()
            step += 1
            if step % _SLOW_EVERY == 0:
                inertia = 0.95**_SLOW_EVERY * (step / num_steps) ** 3
                for mean, value in zip(slow, _averaged(network), strict=True):
                    value.copy_(mean.lerp_(value, 1 - inertia))
        if step == num_steps:  # it ends with the slow weights
            for mean, value in zip(slow, _averaged(network), strict=True):
                value.copy_(mean)
        train_sec += time.perf_counter() - start
        yield step / len(batches), train_sec


def _train_step(network, optimizer, x, y) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(x)
    loss = functional.cross_entropy(
        logits.float(), y, label_smoothing=_LABEL_SMOOTHING
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _averaged(network: Network) -> list[torch.Tensor]:
    """Returns what lookahead averages, BatchNorm's statistics included."""
    values = network.state_dict().values()
    return [v for v in values if v.is_floating_point()]


def _plain(x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    """The images as they are; the form is (weight, view)."""
    return [(1, x)]


def _six_views(x: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    """As they are and shifted both ways along the diagonal, and mirrored."""
    padded = functional.pad(x, (1, 1, 1, 1), "reflect")
    views = [(0.25, x)]
    views += [(0.125, padded[..., :-2, :-2]), (0.125, padded[..., 2:, 2:])]
    return views + [(weight, view.flip(3)) for weight, view in views]


@torch.inference_mode()
def _accuracy(network, images, labels, views=_plain) -> float | None:
    """Returns the share of right answers, None of nothing."""
    network.eval()
    num_right, layout = 0, torch.channels_last
    for start in range(0, len(labels), _EVAL_BATCH_SIZE):
        batch = slice(start, start + _EVAL_BATCH_SIZE)
        x = _normalised(torch.from_numpy(images[batch]).permute(0, 3, 1, 2))
        with torch.autocast("cpu", torch.bfloat16):
            logits = sum(
                weight * network(view.contiguous(memory_format=layout)).float()
                for weight, view in views(x)
            )
        answers = logits.argmax(1).numpy()
        num_right += int((answers == labels[batch]).sum())
    return num_right / len(labels) if len(labels) else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--run_dir", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=float, default=9.9)
    parser.add_argument("--batch_size", type=int, default=1024)
    parser.add_argument("--widths", default="64,256,256")
    parser.add_argument(
        "--num_threads", type=int, default=torch.get_num_threads()
    )
    return parser.parse_args()


def main() -> None:
    """Does what this file's docstring describes."""
    arguments = _arguments()
    torch.set_num_threads(arguments.num_threads)
    torch.manual_seed(arguments.seed)
    data = dict(np.load(arguments.data))
    train, validation, test = (
        (data[f"{split}_images"], data[f"{split}_labels"])
        for split in ("train", "validation", "test")
    )
    first = torch.from_numpy(train[0][:5000]).permute(0, 3, 1, 2)
    widths = [int(width) for width in arguments.widths.split(",")]
    network = Network(_normalised(first), widths)
    network.to(memory_format=torch.channels_last)
    batches = Batches(*train, arguments.batch_size)
    num_steps = math.ceil(arguments.epochs * len(batches))

    arguments.run_dir.mkdir(parents=True, exist_ok=True)
    with (arguments.run_dir / "metrics.jsonl").open("w") as file:
        for epoch, train_sec in train_epochs(network, batches, num_steps):
            line = {
                "epoch": epoch,
                "train_sec": train_sec,
                "val_accuracy": _accuracy(network, *validation),
            }
            print(json.dumps(line), file=file, flush=True)
            print(line, file=sys.stderr)
    summary = {
        "model": "torch_speedrun",
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "steps": num_steps,
        "batch_size": batches.batch_size,
        "validation_accuracy": line["val_accuracy"],
        "test_accuracy": _accuracy(network, *test),
        "test_accuracy_tta": _accuracy(network, *test, _six_views),
        "train_sec": train_sec,
        "images_per_sec": num_steps * batches.batch_size / train_sec,
        "versions": {"torch": torch.__version__},
    }
    text = json.dumps(summary, indent=2) + "\n"
    (arguments.run_dir / "summary.json").write_text(text)


if __name__ == "__main__":
    main()

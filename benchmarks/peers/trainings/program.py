"""What a training is as a program: its flags, and the files that it leaves."""

import argparse
import json
import pathlib
import sys
from collections.abc import Callable

import numpy as np
import torch

from peers.trainings.evaluation import accuracy, six_views
from peers.trainings.training import Training


def parser(
    doc: str, *, epochs: float, batch_size: int
) -> argparse.ArgumentParser:
    """Returns a parser of what every training takes; the others: defaults."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--run_dir", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=float, default=epochs)
    parser.add_argument("--batch_size", type=int, default=batch_size)
    parser.add_argument("--widths", type=_integers, default=[64, 256, 256])
    parser.add_argument(
        "--num_threads", type=int, default=torch.get_num_threads()
    )
    return parser


def _integers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def run(
    name: str,
    make_training: Callable[
        [np.ndarray, np.ndarray, argparse.Namespace], Training
    ],
    arguments: argparse.Namespace,
) -> None:
    """Trains and writes what `peers.trainings` describes.

    Args:
        name: what the summary calls the model.
        make_training: from images, labels and arguments.
        arguments: as `parser` reads them.
    """
    torch.set_num_threads(arguments.num_threads)
    torch.manual_seed(arguments.seed)
    data = dict(np.load(arguments.data))
    train, validation, test = (
        (data[f"{split}_images"], data[f"{split}_labels"])
        for split in ("train", "validation", "test")
    )
    training = make_training(*train, arguments)
    network = training.network
    arguments.run_dir.mkdir(parents=True, exist_ok=True)
    with (arguments.run_dir / "metrics.jsonl").open("w") as file:
        for epoch in training.epochs():
            line = {
                "epoch": epoch,
                "train_sec": training.train_sec,
                "val_accuracy": accuracy(network, *validation),
            }
            print(json.dumps(line), file=file, flush=True)
            print(line, file=sys.stderr)
    summary = {
        "model": name,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "steps": training.num_steps,
        "batch_size": training.batches.batch_size,
        "validation_accuracy": line["val_accuracy"],
        "test_accuracy": accuracy(network, *test),
        "test_accuracy_tta": accuracy(network, *test, six_views),
        "train_sec": training.train_sec,
        "images_per_sec": training.num_images / training.train_sec,
        "versions": {"torch": torch.__version__},
    }
    text = json.dumps(summary, indent=2) + "\n"
    (arguments.run_dir / "summary.json").write_text(text)

"""Digests of (seed, step) batches and of short trainings, to the bit.

    python -m tests.golden [--update]

prints what this checkout computes, beside what `golden.json` has; `--update`
writes it there. It uses nothing but the package's public interface, so that it
can be copied into an older checkout to compare the two. Batches are the same on
every machine. What a training comes to depends on the machine and the versions,
by which its digests are kept; elsewhere its losses are compared, roughly.
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np

_FILE = pathlib.Path(__file__).with_suffix(".json")
_ROOT = pathlib.Path(__file__).absolute().parent.parent

_AUGMENTATIONS = (
    "none",
    "flip",
    "alternating_flip,crop=2",
    "flip,crop=4,cutout=8",
    "zero_crop=4,cutmix",
    "brightness,contrast",
    "flip,crop,mixup",
    "randaugment",
)
# first step -> how many later; of ten an epoch, the last batch smaller.
_STEPS = {0: (0, 1, 7), 1000: (0,)}

_TRAININGS = {
    "dropout": ("--epochs=2", "--validation_fraction=0.25"),
    # It trains a speedrun_s first, to find the easy images.
    "speedrun_m": (
        *("--epochs=3", "--learning_rate=0.02", "--tta"),
        "--precision=mixed_bfloat16",
    ),
}


def batches() -> dict[str, str]:
    """Returns a digest of some training batches for each augmentation."""
    import cifar10_tf

    images, labels = _examples(300)
    digests = {}
    for augment in _AUGMENTATIONS:
        digest = hashlib.sha256()
        for first_step, later in _STEPS.items():
            ds = cifar10_tf.make_train(
                images, labels, num_classes=10, batch_size=32, seed=3,
                augment=augment, first_step=first_step,
                last_step=first_step + later[-1] + 1,
            )  # fmt: skip
            found = list(ds.as_numpy_iterator())
            for step in later:
                for array in found[step]:
                    digest.update(np.ascontiguousarray(array))
        digests[augment] = digest.hexdigest()
    return digests


def _examples(num_examples: int):
    """Returns noise with a tint for each class, and labels taking turns."""
    labels = np.arange(num_examples) % 10
    images = np.random.RandomState(0).randint(0, 160, (num_examples, 32, 32, 3))
    images[..., 0] += 9 * labels[:, None, None]
    return images.astype(np.uint8), labels


def run_main(*arguments: str, **kwargs) -> None:
    """Runs the command line in a process of its own."""
    subprocess.run(
        [sys.executable, "-m", "cifar10_tf.main", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **kwargs,
    )


def trainings(run: Callable = run_main) -> dict[str, dict]:
    """Returns the digest of the weights and the losses of short trainings.

    run: runs a command line, with `env` and `cwd`.
    """
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        _write_folder(root / "data")
        return {
            model: _train(root, run, model, flags)
            for model, flags in _TRAININGS.items()
        }


def _write_folder(root: pathlib.Path) -> None:
    from PIL import Image

    images, labels = _examples(280)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        split = "train" if i < 240 else "test"
        path = root / split / f"class{label}" / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def _train(
    root: pathlib.Path, run: Callable, model: str, flags: tuple[str, ...]
) -> dict:
    import keras

    path = root / model
    run(
        *(f"--model={model}", f"--dataset=folder:{root / 'data'}"),
        *(f"--run_dir={path}", "--batch_size=32", "--seed=5", *flags),
        cwd=_ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(root / "cache")},
    )
    weights = hashlib.sha256()
    for array in keras.models.load_model(path / "model.keras").get_weights():
        weights.update(np.ascontiguousarray(array))
    lines = (path / "metrics.jsonl").read_text("utf-8").splitlines()
    summary = json.loads((path / "summary.json").read_text("utf-8"))
    return {
        "weights": weights.hexdigest(),
        "loss": [json.loads(line)["loss"] for line in lines],
        "val_loss": [json.loads(line)["val_loss"] for line in lines],
        "test_loss": summary["test_loss"],
    }


def machine() -> str:
    """Returns what the bits of a training depend on."""
    import keras
    import tensorflow as tf

    lines = pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    cpu = next(line for line in lines if line.startswith("flags"))
    features = hashlib.sha256(cpu.encode()).hexdigest()[:8]
    return (
        f"{platform.machine()} {features}, {len(os.sched_getaffinity(0))} "
        f"CPUs, tensorflow {tf.__version__}, keras {keras.__version__}"
    )


def read() -> dict:
    """Returns what is committed: batches, and trainings by machine."""
    return json.loads(_FILE.read_text("utf-8"))


def main() -> None:
    """Does what this file's docstring says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    now = {"batches": batches(), "trainings": {machine(): trainings()}}
    print(json.dumps(now, indent=2))
    if parser.parse_args().update:
        kept = read() if _FILE.exists() else {"trainings": {}}
        now["trainings"] = kept["trainings"] | now["trainings"]
        _FILE.write_text(json.dumps(now, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()

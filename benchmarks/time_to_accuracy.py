"""Times whole trainings, from the first step to a test accuracy.

    python benchmarks/time_to_accuracy.py [--quick] [--output=FILE.json]
        [--dataset=auto] [--subjects=NAME,NAME] [--seeds=1,2,3]
        [--targets=0.75,0.908]

On the same images, in turn, each run in a process of its own:

- original: the recipe that this project grew out of, in float32;
- speedrun_s, speedrun_m, speedrun_l (the last if --subjects names it): this
  project's fast models, in the precision that the machine gains from;
- torch_muon: the published Muon recipe in PyTorch, tuned for a CPU (ReLU,
  batches of 500), torch_speedrun_m: speedrun_m's own recipe in PyTorch,
  torch_speedrun: the published fast recipe in PyTorch (the last if --subjects
  names it). These are speedrun_m's peers: on the same division of the images;
  left out where PyTorch is missing.

The targets are the levels of the original and of the published recipe on images
that were once JPEG; on CIFAR-10's own pixels they are 0.79 and 0.94.

Prints, for each, the seconds of training (steps and their input; evaluation
does not count), the test accuracy after the last step, plain and with test-time
augmentation (tta), and the seconds after which validation first showed a
target. Then ratios of seconds, within each seed: the original's until it first
shows the first target on validation to speedrun_s's whole training, and each
peer's whole training to speedrun_m's; with each, how much higher the test
accuracy is than the first target (plain) and than the peer's (tta). The picture
goes to pictures/ beside the table.

Three seeds take about three hours on two cores. Every finished run is kept in
runs/time_to_accuracy/DATASET-COMMIT/ and not run again, so that the command can
be interrupted and repeated, also with other subjects and seeds: the report has
all that are finished with this commit. Where files differ from the commit, all
begin anew. --quick takes two minutes, and its figures mean nothing.
"""

import dataclasses
import importlib.util
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from harness import accuracy_picture
from harness.accuracy_runs import Run, compare, read_run
from harness.clone import REPOSITORY, commit
from harness.fresh_process import finding_programs
from harness.report import parser, report, row
from harness.subjects import is_installed, turns

from cifar10_tf.datasets import names
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.validation_split import split_train
from cifar10_tf.settings.config import make_config
from cifar10_tf.system import inventory

_QUICK_TRAIN_EXAMPLES, _QUICK_TEST_EXAMPLES = 2000, 1000

_OURS = ("-m", "cifar10_tf.main", "train", "--dataset={dataset}")
_FAST = ("--mixed_precision", "--tta")
_QUICK = ("--epochs=1", f"--max_train_examples={_QUICK_TRAIN_EXAMPLES}")


@dataclasses.dataclass(frozen=True)
class Subject:
    """A program that takes --seed and --run_dir and leaves a run directory.

    That is, metrics.jsonl and, when it is done, summary.json.
    """

    command: tuple[str, ...]  # {dataset}: a name; {data}: a file of arrays
    quick_flags: tuple[str, ...] = _QUICK
    peer_of: str | None = None  # whose counterpart it is; None: it is ours
    packages: tuple[str, ...] = ()  # that it needs beyond this one


def _torch(name: str, *flags: str) -> Subject:
    """Returns one of `peers.trainings`, a counterpart of speedrun_m."""
    return Subject(
        (
            *("-m", f"peers.trainings.{name}", "--data={data}"),
            f"--num_threads={inventory.num_cpus()}",
            *flags,
        ),
        quick_flags=("--epochs=1", "--widths=8,16,16"),
        peer_of="speedrun_m",
        packages=("torch",),
    )


SUBJECTS = {
    "original": Subject((*_OURS, "--model=dropout", "--precision=float32")),
    "speedrun_s": Subject((*_OURS, "--model=speedrun_s", *_FAST)),
    "speedrun_m": Subject((*_OURS, "--model=speedrun_m", *_FAST)),
    "speedrun_l": Subject((*_OURS, "--model=speedrun_l", *_FAST)),
    "torch_speedrun": _torch("torch_speedrun"),
    # Faster on two cores than the published GELU and 2,000 images a batch, and
    # no less accurate than speedrun_m on validation images.
    "torch_muon": _torch("torch_muon", "--activation=relu", "--batch_size=500"),
    "torch_speedrun_m": _torch("torch_speedrun_m"),
}
PEERS = {name: s.peer_of for name, s in SUBJECTS.items() if s.peer_of}
_QUICK_SUBJECTS = ("original", "speedrun_s", "torch_muon", "torch_speedrun_m")
_DEFAULT_SUBJECTS = ("speedrun_m", *_QUICK_SUBJECTS)

_UNITS = {
    "train_sec": "s",
    "validation_accuracy": "1",
    "test_accuracy": "1",
    "test_accuracy_tta": "1",
}


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    flags = parser(__doc__)
    flags.add_argument("--dataset", default="auto")
    flags.add_argument("--subjects", default="")
    flags.add_argument("--seeds", default="")
    flags.add_argument("--targets", default="0.75,0.908")
    arguments = flags.parse_args()
    quick = arguments.quick
    subjects = _QUICK_SUBJECTS if quick else _DEFAULT_SUBJECTS
    subjects = arguments.subjects.split(",") if arguments.subjects else subjects
    if unknown := set(subjects) - set(SUBJECTS):
        sys.exit(f"error: no subject {unknown}; choose from {list(SUBJECTS)}.")
    seeds = (arguments.seeds or ("1" if quick else "1,2,3")).split(",")
    targets = [float(target) for target in arguments.targets.split(",")]
    dataset = resolve_dataset(arguments.dataset, "")
    work = runs_directory(dataset, commit() or "unknown-dirty", quick)
    where = names.title(dataset)
    if quick:
        where += " (quick trial: MEANS NOTHING)"

    train_all(subjects, seeds, work, dataset, quick)
    runs = finished(work)
    if not runs:
        sys.exit("error: no training has finished.")
    rows = make_rows(runs, targets, where)
    packages = {
        package
        for name in runs
        for package in SUBJECTS[name].packages
        if importlib.util.find_spec(package)
    }
    path = report("time_to_accuracy", rows, arguments, sorted(packages))
    title = f"Training on {where}, {_machine()}"
    comparisons = compare(runs, targets[0], PEERS)
    picture = path.parent / "pictures" / f"{path.stem}.png"
    accuracy_picture.save(picture, runs, comparisons, targets, title)


def runs_directory(dataset: str, commit: str, quick: bool) -> pathlib.Path:
    """Returns where the trainings are, none of them of other code."""
    kept = f"{names.slug(dataset)}-{commit}{'-quick' * quick}"
    work = REPOSITORY / "runs" / "time_to_accuracy" / kept
    if quick or commit.endswith("-dirty"):
        shutil.rmtree(work, ignore_errors=True)
    return work


def _machine() -> str:
    hardware = inventory.hardware()
    gpus = ", ".join(gpu["name"] for gpu in hardware["gpus"])
    return gpus or f"{hardware['num_cpus']} cores of {hardware['cpu']}"


def train_all(
    subjects, seeds, work: pathlib.Path, dataset: str, quick: bool
) -> None:
    """Trains what is not finished in `work`, in turn.

    A subject that fails is left out from there on, and so is said on stderr.
    """
    failed = {
        name
        for name in subjects
        if not is_installed(name, SUBJECTS[name].packages)
    }
    with tempfile.TemporaryDirectory() as scratch:
        for number, name in turns(subjects, len(seeds) - 1):
            run_dir = work / f"{name}-seed{seeds[number]}"
            if name in failed or read_run(run_dir):
                continue
            data = pathlib.Path(scratch) / f"{PEERS.get(name)}.npz"
            if name in PEERS and not data.exists():
                write_arrays(data, dataset, PEERS[name], quick)
            shutil.rmtree(run_dir, ignore_errors=True)  # an unfinished run
            command = _command(name, seeds[number], run_dir, dataset, data)
            command += SUBJECTS[name].quick_flags * quick
            print(shlex.join(command), file=sys.stderr)
            # stdout is the report's.
            if subprocess.run(
                command, cwd=REPOSITORY, env=finding_programs(), stdout=2
            ).returncode:
                print(f"{name}: left out: it failed", file=sys.stderr)
                failed.add(name)


def _command(name, seed, run_dir, dataset, data) -> list[str]:
    flags = (
        flag.format(dataset=dataset, data=data)
        for flag in SUBJECTS[name].command
    )
    return [sys.executable, *flags, f"--seed={seed}", f"--run_dir={run_dir}"]


def write_arrays(
    path: pathlib.Path, dataset: str, model: str, quick: bool
) -> None:
    """Writes what a model trains on, validates on and is tested on, as .npz."""
    loaded = load_dataset(dataset, "")
    images, labels = loaded.train
    fraction = make_config(model=model).validation_fraction
    train, validation = split_train(
        labels, fraction, _QUICK_TRAIN_EXAMPLES if quick else 0
    )
    test = slice(_QUICK_TEST_EXAMPLES if quick else None)
    np.savez(
        path,
        train_images=images[train],
        train_labels=labels[train],
        validation_images=images[validation],
        validation_labels=labels[validation],
        test_images=loaded.test.images[test],
        test_labels=loaded.test.labels[test],
    )


def finished(work: pathlib.Path) -> dict[str, dict[str, Run]]:
    """Returns every finished run, by subject and seed."""
    runs = {}
    for name in SUBJECTS:
        for run_dir in sorted(work.glob(f"{name}-seed*")):
            if run := read_run(run_dir):
                seed = run_dir.name.removeprefix(f"{name}-seed")
                runs.setdefault(name, {})[seed] = run
    return runs


def make_rows(
    runs: dict[str, dict[str, Run]], targets: list[float], where: str
) -> list[dict]:
    """Returns the results; `where`, the data, goes into every case."""
    rows = []

    def add(case: str, subject: str, metric: str, unit: str, values) -> None:
        values = [value for value in values if value is not None]
        if values:
            rows.append(row(f"{case}, {where}", subject, metric, unit, values))

    for name, by_seed in runs.items():
        case = PEERS.get(name, name)
        subject = name if name in PEERS else "cifar10_tf"
        for metric, unit in _UNITS.items():
            values = [getattr(run, metric) for run in by_seed.values()]
            add(case, subject, metric, unit, values)
        for target in targets:
            values = [run.sec_to(target) for run in by_seed.values()]
            add(case, subject, f"train_sec_to_{target:g}", "s", values)
    for comparison in compare(runs, targets[0], PEERS):
        for metric in ("ratio", "test_accuracy_difference"):
            values = [getattr(pair, metric) for pair in comparison.pairs]
            add(comparison.case, "cifar10_tf", metric, "1", values)
    return rows


if __name__ == "__main__":
    main()

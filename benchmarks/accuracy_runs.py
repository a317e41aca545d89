"""What trainings have left behind, for `time_to_accuracy.py`."""

import dataclasses
import json
import pathlib


@dataclasses.dataclass(frozen=True)
class Run:
    """What a finished training has shown; None: not known of this subject."""

    train_sec: float
    test_accuracy: float
    test_accuracy_tta: float | None
    validation_accuracy: float | None
    curve: list[tuple[float, float]]  # train_sec, validation accuracy

    @property
    def best_test_accuracy(self) -> float:
        """The accuracy with test-time augmentation where there is one."""
        return self.test_accuracy_tta or self.test_accuracy

    def sec_to(self, target: float) -> float | None:
        """Returns when validation first showed an accuracy; None: never."""
        return next((sec for sec, shown in self.curve if shown >= target), None)


def read_run(run_dir: pathlib.Path) -> Run | None:
    """Returns what a training has left; None if it has not finished."""
    try:
        summary = json.loads((run_dir / "summary.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    lines = (run_dir / "metrics.jsonl").read_text("utf-8").splitlines()
    return Run(
        train_sec=summary["train_sec"],
        test_accuracy=summary["test_accuracy"],
        test_accuracy_tta=summary.get("test_accuracy_tta"),
        validation_accuracy=summary["validation_accuracy"],
        curve=[
            (epoch["train_sec"], epoch["val_accuracy"])
            for epoch in map(json.loads, lines)
            if epoch["val_accuracy"] is not None
        ],
    )


@dataclasses.dataclass(frozen=True)
class Pair:
    """A run, and the seconds and the accuracy that it is to beat."""

    slow_sec: float
    slow_accuracy: float
    run: Run

    @property
    def ratio(self) -> float:
        """How many times sooner the run ended."""
        return self.slow_sec / self.run.train_sec

    @property
    def test_accuracy_difference(self) -> float:
        """How much higher the run's accuracy is."""
        return self.run.best_test_accuracy - self.slow_accuracy


def find_pairs(
    runs: dict[str, dict[str, Run]], target: float
) -> dict[str, list[Pair]]:
    """Returns what the slow subjects and the fast ones did with the same seed.

    The original is to be beaten at `target`, where its validation has shown it,
    the peer at the end.
    """
    cases = {
        f"original to {target:.4g} / speedrun_s": (
            ("original", "speedrun_s"),
            lambda run: (run.sec_to(target), target),
        ),
        "torch_speedrun / speedrun_m": (
            ("torch_speedrun", "speedrun_m"),
            lambda run: (run.train_sec, run.best_test_accuracy),
        ),
    }
    pairs = {}
    for case, (names, mark) in cases.items():
        slow, fast = (runs.get(name, {}) for name in names)
        both = [
            Pair(*mark(slow[seed]), fast[seed]) for seed in fast if seed in slow
        ]
        pairs[case] = [pair for pair in both if pair.slow_sec is not None]
    return pairs

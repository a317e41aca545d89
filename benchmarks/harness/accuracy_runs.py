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
        if self.test_accuracy_tta is None:
            return self.test_accuracy
        return self.test_accuracy_tta

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
    """A slow run and a fast one: after how long, how accurate."""

    slow_sec: float
    slow_accuracy: float
    fast_sec: float
    fast_accuracy: float

    @property
    def ratio(self) -> float:
        """How many times sooner the fast run ended."""
        return self.slow_sec / self.fast_sec

    @property
    def test_accuracy_difference(self) -> float:
        """How much higher the fast run's accuracy is."""
        return self.fast_accuracy - self.slow_accuracy


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a slow subject and a fast one did with the same seeds."""

    case: str
    slow: str
    fast: str
    pairs: list[Pair]


def compare(
    runs: dict[str, dict[str, Run]], target: float, peers: dict[str, str]
) -> list[Comparison]:
    """Returns the original against speedrun_s, and each peer against ours.

    The original counts from where its validation has shown `target`, against
    speedrun_s without test-time augmentation; a peer at its end, both with.

    Args:
        runs: by subject and seed.
        peers: names of subjects, and of those whose counterparts they are.
    """
    to_target = [
        Pair(sec, target, fast.train_sec, fast.test_accuracy)
        for slow, fast in _with_the_same_seed(runs, "original", "speedrun_s")
        if (sec := slow.sec_to(target)) is not None
    ]
    case = f"original to {target:.4g} / speedrun_s"
    comparisons = [Comparison(case, "original", "speedrun_s", to_target)]
    for peer, ours in peers.items():
        to_the_end = [
            Pair(
                slow.train_sec,
                slow.best_test_accuracy,
                fast.train_sec,
                fast.best_test_accuracy,
            )
            for slow, fast in _with_the_same_seed(runs, peer, ours)
        ]
        case = f"{peer} / {ours}"
        comparisons.append(Comparison(case, peer, ours, to_the_end))
    return [comparison for comparison in comparisons if comparison.pairs]


def _with_the_same_seed(
    runs: dict[str, dict[str, Run]], slow: str, fast: str
) -> list[tuple[Run, Run]]:
    slow_runs = runs.get(slow, {})
    return [
        (slow_runs[seed], run)
        for seed, run in runs.get(fast, {}).items()
        if seed in slow_runs
    ]

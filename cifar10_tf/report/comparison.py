"""Several runs or studies -> what differs, and whether by more than chance."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cifar10_tf.evaluation import calibration, significance
from cifar10_tf.report import run_contents
from cifar10_tf.report.run_contents import RunContents
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.system.errors import UserError


@dataclasses.dataclass(frozen=True)
class Subject:
    """A run, or the runs of a study, that is compared with others."""

    name: str
    runs: list[RunContents]
    is_study: bool

    @functools.cached_property
    def figures(self) -> dict[str, float | list[float] | None]:
        """Returns the columns of the table: of a study, means over its runs."""
        summaries = [run.summary for run in self.runs]
        figures = {
            name: _mean([summary.get(name) for summary in summaries])
            for name in (
                "test_accuracy", "test_accuracy_tta", "train_accuracy",
                "validation_accuracy", "train_sec", "images_per_sec",
            )
        }  # fmt: skip
        figures["num_runs"] = len(self.runs) if self.is_study else None
        figures["num_params"] = summaries[0]["num_params"]
        figures["gap"] = (
            figures["train_accuracy"] - figures["validation_accuracy"]
            if figures["validation_accuracy"] is not None
            else None
        )
        figures["calibration_error"] = _mean(
            [
                calibration.reliability(run.probabilities, run.labels).error
                for run in self.runs
            ]
        )
        return figures

    @property
    def accuracies(self) -> list[float]:
        """The test accuracy of each run."""
        return [run.summary["test_accuracy"] for run in self.runs]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether two subjects' test accuracies differ by more than chance.

    Attributes:
        p: corrected by Holm for how many pairs are compared.
        numbers: of McNemar's test, or of Welch's.
    """

    first: str
    second: str
    p: float
    numbers: significance.McNemar | significance.Welch
    num_pairs: int

    @property
    def is_shown(self) -> bool:
        """Tells whether there is a difference, at the level of 5 %."""
        return self.p < significance.LEVEL

    @property
    def text(self) -> str:
        """The verdict in words."""
        p = "p < 0.0001" if self.p < 1e-4 else f"p = {self.p:.2g}"
        if self.num_pairs > 1:
            p += f" by Holm for {self.num_pairs} pairs"
        if isinstance(self.numbers, significance.McNemar):
            one, two, _ = self.numbers
            is_second_better = two > one
            if is_second_better and self.is_shown:
                one, two = two, one  # as the names
            said = f"{one:,} against {two:,} of the disagreements, {p}"
        else:
            difference, ends, _ = self.numbers
            is_second_better = difference > 0
            sign = 100 if is_second_better else -100
            low, high = sorted(sign * end for end in ends)
            said = (
                f"{sign * difference:.2f} points more in the mean, 95 % "
                f"interval {low:.2f} to {high:.2f}, {p}"
            )
        names = [self.first, self.second]
        worse, better = names if is_second_better else names[::-1]
        if self.is_shown:
            return f"{better} is better than {worse}: {said}."
        if isinstance(self.numbers, significance.Welch):
            said = f"{better} has {said}"
        return f"{self.first} and {self.second}: no difference shown: {said}."


class Comparison:
    """What several runs, or several studies, have in common and what not."""

    def __init__(self, subjects: Sequence[Subject]):
        """Compares them.

        Raises:
            UserError: there is one alone, they are of both kinds, or of
                different data.
        """
        self.subjects = list(subjects)
        _check(self.subjects)

    @functools.cached_property
    def differing_settings(self) -> dict[str, list[Any]]:
        """The settings that differ, a value for each subject."""
        firsts = [subject.runs[0] for subject in self.subjects]
        settings = [
            # Of a precision that was chosen by the hardware, which it was.
            run.config.settings() | {"precision": run.summary["precision"]}
            for run in firsts
        ]
        if self.subjects[0].is_study:
            for of_study in settings:
                del of_study["seed"]
        return {
            name: [of_one[name] for of_one in settings]
            for name in settings[0]
            if any(s[name] != settings[0][name] for s in settings)
        }

    @functools.cached_property
    def verdicts(self) -> list[Verdict]:
        """A verdict for each pair."""
        pairs = list(itertools.combinations(self.subjects, 2))
        numbers = [_test(*pair) for pair in pairs]
        corrected = significance.holm([n.p for n in numbers])
        return [
            Verdict(first.name, second.name, p, of_pair, len(pairs))
            for (first, second), of_pair, p in zip(
                pairs, numbers, corrected, strict=True
            )
        ]

    @property
    def remarks(self) -> list[str]:
        """What the figures say of overfitting, and what they can't say."""
        sentences = []
        for subject in self.subjects:
            figures = subject.figures
            if figures["gap"] is not None:
                sentences.append(
                    f"{subject.name}: {figures['train_accuracy']:.1%} in "
                    f"training, {figures['validation_accuracy']:.1%} on "
                    f"validation: {abs(figures['gap']) * 100:.1f} points "
                    f"{'more' if figures['gap'] > 0 else 'less'} in training."
                )
        summaries = [s.runs[0].summary for s in self.subjects]
        machines = [
            (s["hardware"], s.get("num_workers", 1), s.get("num_devices", 1))
            for s in summaries
        ]
        if any(machine != machines[0] for machine in machines):
            sentences.append(
                "They ran on different machines: seconds and images/s say "
                "nothing of the recipes."
            )
        return sentences

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it for programs, as JSON can hold it."""
        return {
            "subjects": [
                {
                    "name": subject.name,
                    "path": str(_path(subject)),
                    "seeds": [run.summary["seed"] for run in subject.runs],
                    **subject.figures,
                    "test_accuracies": subject.accuracies,
                    "test_accuracy_ci95": interval(subject),
                }
                for subject in self.subjects
            ],
            "differing_settings": self.differing_settings,
            "verdicts": [
                {
                    "first": verdict.first,
                    "second": verdict.second,
                    "test": type(verdict.numbers).__name__,
                    **verdict.numbers._asdict(),
                    "p_corrected": verdict.p,
                    "is_shown": verdict.is_shown,
                    "text": verdict.text,
                }
                for verdict in self.verdicts
            ],
        }


def read(directories: Sequence[RunDirectory]) -> Comparison:
    """Returns the comparison of runs, or of studies.

    Raises:
        UserError: one is neither, or as of `Comparison`.
    """
    names = _short_names(directories)
    return Comparison(
        [
            _read(directory, name)
            for directory, name in zip(directories, names, strict=True)
        ]
    )


def _read(directory: RunDirectory, name: str) -> Subject:
    runs = StudyDirectory.complete_runs(directory)
    is_study = runs != [directory]
    contents = [run_contents.read(run) for run in runs]
    if is_study and len(runs) < 2:
        raise UserError(
            f"the study in {directory.path} has only one complete run: compare "
            f"{runs[0].path} as a run, or train more seeds."
        )
    return Subject(name, contents, is_study)


def interval(subject: Subject) -> tuple[float, float] | None:
    """Returns the 95 % interval of the test accuracy.

    Of a run Wilson's, of a study Student's, of the mean over seeds: none of
    two, which may be of any size.
    """
    if not subject.is_study:
        low, high = subject.runs[0].summary["test_accuracy_ci95"]
        return low, high
    if len(subject.runs) == 2:
        return None
    from cifar10_tf.evaluation.statistics import mean_and_interval

    low, high = mean_and_interval(subject.accuracies)["ci95"]
    return low, high


def _test(one: Subject, two: Subject):
    if one.is_study:
        return significance.welch(one.accuracies, two.accuracies)
    return significance.mcnemar(one.runs[0].right, two.runs[0].right)


def _check(subjects: Sequence[Subject]) -> None:
    if len(subjects) < 2:
        raise UserError("compare needs two directories at least.")
    first = subjects[0]
    for subject in subjects[1:]:
        if subject.is_study != first.is_study:
            raise UserError(
                "a study is compared with studies, a run with runs: "
                f"{first.name} and {subject.name} are one of each."
            )
        one, other = first.runs[0], subject.runs[0]
        if one.class_names != other.class_names or not np.array_equal(
            one.labels, other.labels
        ):
            raise UserError(
                f"{first.name} and {subject.name} are not compared: their test "
                f"images differ ({one.summary['dataset']}, "
                f"{len(one.labels):,}, and {other.summary['dataset']}, "
                f"{len(other.labels):,})."
            )


def _short_names(directories: Sequence[RunDirectory]) -> list[str]:
    """Returns the last parts of the paths, as many as tell them apart."""
    paths = [directory.path for directory in directories]
    places = [path.resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise UserError(f"{path} is there twice; compare it with another.")
    for number in range(1, 20):
        names = ["/".join(path.parts[-number:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _path(subject: Subject):
    path = subject.runs[0].directory.path
    return path.parent if subject.is_study else path


def _mean(values: Sequence[float | None]) -> float | None:
    return None if None in values else float(np.mean(values))

"""What a sweep is to try: all of it checked before the first run."""

import dataclasses
import itertools
import math
import pathlib
from collections.abc import Iterator
from typing import Any, Self

from cifar10_tf.datasets import names
from cifar10_tf.datasets.resolving import folder_digest
from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.settings import search_space
from cifar10_tf.settings.command_options import SWEEP_METRICS, SweepOptions
from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.settings.search_space import Choices, SearchSpace
from cifar10_tf.system import paths
from cifar10_tf.system.errors import UserError


@dataclasses.dataclass(frozen=True)
class Plan:
    """The settings of a sweep: which all trials share, and which are tried.

    Attributes:
        shared: settings by name, data and directory among them.
        given: those of `shared` that the user gave.
        space: what is tried of the others.
        options: how.
        path: the directory of the sweep.
    """

    shared: dict[str, Any]
    given: dict[str, Any]
    space: SearchSpace
    options: SweepOptions
    path: pathlib.Path

    @classmethod
    def make(cls, given: dict[str, Any], options: SweepOptions) -> Self:
        """Returns the plan for settings that are given, and what to try.

        Raises:
            UserError: something in it is not valid, or there are no data.
        """
        try:
            space = _parse(options)
            if both := sorted(given.keys() & space.keys()):
                raise ValueError(
                    f"{both[0]} is given by --{both[0]} and in --search: one "
                    "of them is to go."
                )
            configs = [make_config(**given, **v) for v in _samples(space)]
            last_seed = configs[0].seed + options.seeds - 1
            dataclasses.replace(configs[0], seed=last_seed)
            _check_comparable(configs, options.metric)
        except ValueError as error:
            raise UserError(f"sweep: {error}") from error
        config = resolve_config(configs[0])
        model = [] if "model" in space else [config.model]
        path = paths.absolute(
            given.get("run_dir")
            or "-".join(["runs/" + names.slug(config.dataset), *model, "sweep"])
        )
        where = {"dataset": config.dataset, "data_dir": config.data_dir}
        return cls(given | where, given, space, options, path)

    @property
    def num_trials(self) -> int:
        """How many trials there are to be: of a grid no more than it has."""
        if self.options.sampler != "grid":
            return self.options.trials
        sizes = [len(choices.values) for choices in self.space.values()]
        return min(self.options.trials, math.prod(sizes))

    @property
    def first_seed(self) -> int:
        """The seed of the first run of each trial."""
        return make_config(**self.given).seed

    @property
    def max_epochs(self) -> int:
        """The epochs of the longest run."""
        return max(
            make_config(**self.shared, **values).epochs
            for values in _samples(self.space)
        )

    @property
    def metric_column(self) -> str:
        """The name of the metric in `metrics.jsonl`."""
        return SWEEP_METRICS[self.options.metric]

    @property
    def is_higher_better(self) -> bool:
        """Whether the best trial has the highest metric."""
        return not self.options.metric.endswith("loss")

    def configs(self, number: int, values: dict[str, Any]) -> list[Config]:
        """Returns the configs of a trial's runs, a seed after the other."""
        return [
            make_config(
                **self.shared
                | values
                | {
                    "seed": seed,
                    "run_dir": str(self.path / f"trial{number}/seed{seed}"),
                }
            )
            for seed in range(
                self.first_seed, self.first_seed + self.options.seeds
            )
        ]

    def winner(self, values: dict[str, Any]) -> Config:
        """Returns the config of a training with them, beside the sweep."""
        places = {
            "data_dir": self.given.get("data_dir"),
            # The default one may hold a run with other settings.
            "run_dir": f"{self.path}-best",
        }
        return make_config(**self.shared | values | places)

    def identity(self) -> dict[str, Any]:
        """Returns what does not change when the sweep goes on.

        A folder may move, with the same images.
        """
        options = dataclasses.asdict(self.options)
        for name in "trials", "storage", "search":
            del options[name]
        places = ["data_dir", "run_dir"]
        images = {}
        if digest := folder_digest(self.shared["dataset"]):
            images["images, by their digest"] = digest[:12]
            places.append("dataset")
        return {
            **images,
            **{n: v for n, v in self.shared.items() if n not in places},
            **{n: str(v) for n, v in self.space.items()},
            **options,
        }


def _parse(options: SweepOptions) -> SearchSpace:
    if not options.search:
        raise ValueError(
            "--search says what to try, as "
            "--search='learning_rate=log:0.03:0.3,batch_size=128|256'."
        )
    space = search_space.parse(options.search)
    for name, dimension in space.items():
        if options.sampler == "grid" and not isinstance(dimension, Choices):
            raise ValueError(
                f"grid tries values as a|b|c, and {name} has a range, "
                f"{dimension}."
            )
    return space


def _samples(space: SearchSpace) -> Iterator[dict[str, Any]]:
    """Yields settings by which all are checked.

    Every two ends of two settings occur together: no check is of three.
    """
    first = {name: dimension.ends()[0] for name, dimension in space.items()}
    yield first
    for name, dimension in space.items():
        for value in dimension.ends():
            yield first | {name: value}
    for a, b in itertools.combinations(space, 2):
        for of_a, of_b in itertools.product(space[a].ends(), space[b].ends()):
            yield first | {a: of_a, b: of_b}


def _check_comparable(configs: list[Config], metric: str) -> None:
    """Checks that a better metric of one of these says that it is better.

    Raises:
        ValueError: it may say something else.
    """
    for config in configs:
        if not config.validation_fraction:
            raise ValueError(
                f"trials are compared on validation images, and {config.model} "
                "keeps none: give --validation_fraction=0.1, say."
            )
    common = ["validation_fraction"]
    if metric == "validation_loss":
        common.append("label_smoothing")  # the loss is of smoothed labels
    for name in common:
        values = sorted({getattr(config, name) for config in configs})
        if len(values) > 1:
            raise ValueError(
                f"{metric} can't be compared where {name} differs, here from "
                f"{values[0]:g} to {values[-1]:g}: fix it by --{name}."
            )

"""What chooses the settings of a trial, the same ones whenever it is asked."""

import itertools
import random
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from cifar10_tf.settings.search_space import Choices, Range, SearchSpace


class RepeatableSampler(optuna.samplers.BaseSampler):
    """Chooses by one of Optuna's samplers, or along a grid.

    The random numbers are a trial's own, so that a sweep that was killed goes
    on as if it had not been: Optuna's samplers draw all from one stream, which
    begins anew in each process.

    Args:
        name: tpe, random or grid.
        space: what is tried.
        seed: of all random numbers.
    """

    def __init__(self, name: str, space: SearchSpace, seed: int):
        self._name, self._seed = name, seed
        self.distributions = {n: _distribution(d) for n, d in space.items()}
        self._grid = []
        if name == "grid":
            values = [dimension.values for dimension in space.values()]
            self._grid = list(itertools.product(*values))
            # Where there are fewer trials, they are spread over all of it.
            random.Random(seed).shuffle(self._grid)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Returns what is chosen together: everything."""
        return self.distributions

    def sample_relative(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Returns the settings of a trial."""
        if self._grid:
            values = self._grid[trial.number % len(self._grid)]
            return dict(zip(search_space, values, strict=True))
        sampler = self._of_trial(trial.number)
        chosen = sampler.sample_relative(study, trial, search_space)
        # Nothing yet, where it learns from trials that there are not.
        return {
            name: _short(
                chosen[name]
                if name in chosen
                else sampler.sample_independent(
                    study, trial, name, distribution
                ),
                distribution,
            )
            for name, distribution in search_space.items()
        }

    def sample_independent(self, *_) -> Any:
        """Chooses nothing: there is no setting beside the others."""
        raise NotImplementedError

    def _of_trial(self, number: int) -> optuna.samplers.BaseSampler:
        sequence = np.random.SeedSequence(self._seed, spawn_key=[number])
        seed = int(sequence.generate_state(1)[0])
        if self._name == "random":
            return optuna.samplers.RandomSampler(seed)
        return optuna.samplers.TPESampler(seed=seed)


def _distribution(dimension: Range | Choices) -> BaseDistribution:
    if isinstance(dimension, Choices):
        return CategoricalDistribution(dimension.values)
    whole = isinstance(dimension.low, int)
    kind = IntDistribution if whole else FloatDistribution
    return kind(dimension.low, dimension.high, log=dimension.is_log)


def _short(value: Any, distribution: BaseDistribution) -> Any:
    """Returns a number with four digits: more say nothing to anybody."""
    if not isinstance(distribution, FloatDistribution):
        return value
    rounded = float(f"{value:.4g}")
    return min(max(rounded, distribution.low), distribution.high)

"""How a training is done, rather than what it is."""

import dataclasses
import importlib.util
import re
from typing import Any

from cifar10_tf.settings import extras
from cifar10_tf.settings.setting import (
    NOT_NEGATIVE,
    Valid,
    between,
    check_fields,
    defaults,
    matching,
    one_of,
    setting,
)

# Where several runs are made.
ENGINES = ("processes", "ray")


def _steps(text: str) -> tuple[int, int] | None:
    """Returns two steps that a text names, or None."""
    if not re.fullmatch(r"\d{1,9},\d{1,9}", text, re.ASCII):
        return None
    first, last = map(int, text.split(","))
    return (first, last) if 1 <= first <= last else None


def _check_installed(library: str) -> None:
    if not importlib.util.find_spec(library):
        raise ValueError(
            f"{library} is not installed: {extras.install_command(library)}"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked of a process beside the settings of its run.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """

    mixed_precision: bool = setting(
        "Use the precision that this hardware gains from (see `doctor`).",
        default=False,
    )
    restart: bool = setting(
        "Start over where --run_dir holds a run already, which is kept under "
        "another name.",
        default=False,
    )
    checkpoint_every_sec: float = setting(
        "How often at least the training is saved: an interrupted run goes on, "
        "by the same command, from there. 0: after each step.",
        default=60.0,
        valid=NOT_NEGATIVE,
    )
    max_minutes: float = setting(
        "Stop the training when the process has run for so long, saved so that "
        "the same command goes on with it; 0: no limit. The exit status is "
        "then 75.",
        default=0.0,
        valid=NOT_NEGATIVE,
    )
    num_runs: int = setting(
        "Train so many times, with --seed, the seed after it and so on, and "
        "report mean, standard deviation and 95 % interval. Complete runs are "
        "not repeated.",
        default=1,
        valid=between(1, 1000),
    )
    devices: str = setting(
        "On how many devices of this machine the training is spread, which "
        "share each batch: auto, all GPUs; or a number, of GPUs or, without "
        "one, of parts of the CPU.",
        default="auto",
        valid=matching(r"auto|[1-9]\d{0,2}", "auto or a number from 1 to 999"),
    )
    tensorboard: bool = setting(
        "Write what TensorBoard shows, into the directory tensorboard in "
        "--run_dir. It needs cifar10_tf[tensorboard].",
        default=False,
    )
    profile_steps: str = setting(
        "Trace the training steps from one to another, as 10,20, for "
        "--tensorboard.",
        default="",
        default_text="none",
        valid=Valid(
            "two steps of the training, counted from 1, as 10,20",
            lambda text: not text or _steps(text) is not None,
        ),
    )
    engine: str = setting(
        "Where the runs of --num_runs and of sweep are made: processes here, "
        "one after the other, or a Ray cluster, as many at a time as it has "
        "GPUs, or else machines; and the workers of --num_workers. ray needs "
        "cifar10_tf[ray], and a file system that all machines share.",
        default="processes",
        valid=one_of(ENGINES),
    )
    ray_address: str = setting(
        "The Ray cluster of --engine=ray, as 10.0.0.1:6379 or auto.",
        default="",
        default_text="one that is started here",
    )
    num_workers: int = setting(
        "How many processes train one model together on --engine=ray, each "
        "with an equal share of its GPUs, or else of its CPUs.",
        default=1,
        valid=between(1, 1000),
    )
    debug: bool = setting("Show the traceback of an error.", default=False)

    def __post_init__(self):
        check_fields(self)
        if self.profile_steps and not self.tensorboard:
            raise ValueError(
                "profile_steps is of --tensorboard: give both, or neither."
            )
        if self.ray_address and self.engine != "ray":
            raise ValueError(
                "ray_address is of --engine=ray: give both, or neither."
            )
        if self.num_workers > 1:
            self._check_workers()
        if self.tensorboard:
            _check_installed("tensorboard")
        if self.engine == "ray":
            _check_installed("ray")

    def _check_workers(self) -> None:
        if self.engine != "ray":
            raise ValueError(
                "num_workers is of --engine=ray: add that, or start the same "
                "command, without both, for each worker yourself, by srun or "
                "with TF_CONFIG."
            )
        if self.num_runs > 1:
            raise ValueError(
                "num_workers is of one training, and num_runs are several: "
                "give one of both."
            )

    @property
    def profile(self) -> tuple[int, int] | None:
        """The first and the last step of a trace, counted from 1, or None."""
        return _steps(self.profile_steps)


def make_options(**given: Any) -> Options:
    """Returns the defaults with what is given over them.

    Raises:
        ValueError: as Options does.
    """
    return Options(**(defaults(Options) | given))

"""What is asked of a command, beside the settings of a training."""

import dataclasses

from cifar10_tf.settings.export_formats import FORMATS
from cifar10_tf.settings.setting import (
    between,
    check_fields,
    one_of,
    setting,
)

# What an image that is not square loses: its ends, or its proportions.
CROPS = ("center", "squash")


def _place(help_text: str) -> str:
    return setting(help_text, default="", default_text="none")


class _Checked:
    """Options whose values are checked when they are made."""

    def __post_init__(self):
        check_fields(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateOptions(_Checked):
    """How a run is evaluated.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """

    run_dir: str = _place("The directory of the run, or of a study.")
    split: str = setting(
        "Which images to evaluate on. Training and validation images are those "
        "of the run, unaugmented.",
        default="test",
        valid=one_of(("train", "validation", "test")),
    )
    tta: bool = setting(
        "Evaluate a second time on six views of each image, averaged.",
        default=False,
        default_text="as the training did",
    )
    corruptions: bool = setting(
        "Evaluate on corrupted images as well: the noise, blur, weather and "
        "processing of CIFAR-10-C, at five severities. Prepared "
        "cifar10_corrupted of TFDS is used; what of it is not there is made "
        "here, by the published definitions (all but frost).",
        default=False,
    )
    output: str = _place(
        "The file that the result goes to, as result.json. With --corruptions "
        "a picture is beside it, as result.png. An earlier file is kept."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportOptions(_Checked):
    """What a page is written of.

    Raises:
        ValueError: as of `EvaluateOptions`.
    """

    run_dir: str = _place("The directory of the run, of a study or a sweep.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareOptions(_Checked):
    """What becomes of a comparison.

    Raises:
        ValueError: as of `EvaluateOptions`.
    """

    output: str = _place(
        "The page that the comparison is written to, as comparison.html. An "
        "earlier file is kept."
    )
    format: str = setting(
        "What is printed: text for people or JSON for programs.",
        default="text",
        valid=one_of(("text", "json")),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictOptions(_Checked):
    """How images are classified.

    Raises:
        ValueError: as of `EvaluateOptions`.
    """

    run_dir: str = _place("The directory of the run.")
    model: str = setting(
        "What export made of a run, instead of --run_dir: export/model.onnx.",
        default="",
        default_text="the run's own model",
    )
    tta: bool = setting(
        "Average over six views of each image, which takes six times as long.",
        default=False,
    )
    crop: str = setting(
        "What an image that is not square loses: center cuts off the ends of "
        "the longer side, as training on folders does; squash squeezes all of "
        "it into a square.",
        default="center",
        valid=one_of(CROPS),
    )
    explain: bool = setting(
        "Draw for each image where the network looks, into the directory "
        "heat_maps, beside the file of --output if there is one. It takes as "
        "long as 362 predictions.",
        default=False,
    )
    format: str = setting(
        "What is printed: text for people, JSON or CSV for programs.",
        default="text",
        valid=one_of(("text", "json", "csv")),
    )
    output: str = _place(
        "The file that this goes to, instead of the terminal. An earlier file "
        "is kept."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServeOptions(_Checked):
    """Where a model is served.

    Raises:
        ValueError: as of `EvaluateOptions`.
    """

    run_dir: str = _place("The directory of the run.")
    host: str = setting(
        "The address to listen on. 127.0.0.1 is for this machine only; 0.0.0.0 "
        "lets others in.",
        default="127.0.0.1",
    )
    port: int = setting(
        "The port to listen on; 0: any that is free.",
        default=8000,
        valid=between(0, 65535),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions(_Checked):
    """What a run is exported to.

    Raises:
        ValueError: as of `EvaluateOptions`.
    """

    run_dir: str = _place("The directory of the run.")
    format: str = setting(
        "What is written into export in the directory of the run: a SavedModel "
        "for TensorFlow Serving, files for LiteRT in float32 or in integers, "
        "for ONNX Runtime and for Keras.",
        default="all",
        valid=one_of(("all", *FORMATS)),
    )


# What trials are compared by, and the column of `metrics.jsonl` that has it.
SWEEP_METRICS = {
    "validation_accuracy": "val_accuracy",
    "validation_loss": "val_loss",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepOptions(_Checked):
    """Which settings are tried, and how.

    Raises:
        ValueError: as of `EvaluateOptions`.
    """

    search: str = setting(
        "The settings to try, with a range low:high, a range of magnitudes "
        "log:low:high, or values a|b|c for each, as "
        "'learning_rate=log:0.03:0.3,batch_size=128|256|512'. Or the name of a "
        "file with an object of them, as search.json.",
        default="",
        default_text="none",
    )
    trials: int = setting(
        "How many settings to try, those of an earlier call included.",
        default=20,
        valid=between(1, 100_000),
    )
    seeds: int = setting(
        "How many runs each trial has, from --seed on; their mean counts.",
        default=1,
        valid=between(1, 1000),
    )
    metric: str = setting(
        "What the trials are compared by.",
        default="validation_accuracy",
        valid=one_of(SWEEP_METRICS),
    )
    sampler: str = setting(
        "What chooses the settings: tpe learns from the trials before, random "
        "does not, and grid tries all combinations of a|b|c.",
        default="tpe",
        valid=one_of(("tpe", "random", "grid")),
    )
    pruner: str = setting(
        "What ends bad trials early, by the metric of each epoch of the first "
        "run: median those that are below the median of others, from the "
        "sixth trial on; hyperband by successive halving.",
        default="none",
        valid=one_of(("none", "median", "hyperband")),
    )
    storage: str = setting(
        "The database that keeps the trials, as sqlite:///sweeps.db.",
        default="",
        default_text="a file in the directory of the sweep",
    )

    def __post_init__(self):
        if self.metric.startswith("test"):
            raise ValueError(
                f"metric can't be {self.metric}: of images by which settings "
                "are chosen, no figure says how good they are on others; "
                f"choose from {', '.join(SWEEP_METRICS)}."
            )
        super().__post_init__()


# By the name of the command. Two of them may have a flag of one name.
COMMAND_OPTIONS = {
    "evaluate": EvaluateOptions,
    "report": ReportOptions,
    "compare": CompareOptions,
    "predict": PredictOptions,
    "serve": ServeOptions,
    "export": ExportOptions,
    "sweep": SweepOptions,
}

"""The frozen description of a run: declared, validated at birth, kept as JSON.

A setting is declared here and nowhere else: its flag, its check, its help and
its line in the documentation come from the declaration.
"""

import dataclasses
import json
from typing import Any, Self

from cifar10_tf.settings import augmentations, optimizers
from cifar10_tf.settings.models import MODELS
from cifar10_tf.settings.setting import (
    ANY,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Valid,
    between,
    check,
    check_fields,
    defaults,
    matching,
    one_of,
    setting,
)

# Of config.json; a directory without one is of format 0.
FORMAT = 1

# What the name of a folder as dataset begins with.
FOLDER = "folder:"

# No system takes another.
_PATH = matching(r"[^\0]*", "a path")

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


class NewerVersionError(ValueError):
    """A config is of a version of this program that is newer than this one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All that determines a run; `make_config` fills in the model's recipe.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """

    model: str = setting(
        "The network, with its recipe.",
        default="dropout",
        valid=one_of(MODELS),
    )
    dataset: str = setting(
        "The data: auto, synthetic10, a name of TFDS (cifar10, cifar100, "
        "eurosat/rgb) or folder:PATH. auto is CIFAR-10 where it is prepared or "
        "can be downloaded, otherwise the embedded synthetic10, with a "
        "warning. Of TFDS it can be any image classification dataset. A folder "
        "has its images in PATH/train/CLASS/ and PATH/test/CLASS/.",
        default="auto",
        # TFDS's names are like cifar100 and eurosat/rgb; of cifar-10 it is said
        # later which one was meant.
        valid=matching(
            r"folder:[^\0]+|\w[\w-]*(/\w[\w.-]*)?",
            "auto, synthetic10, a name of TFDS as in cifar100 or eurosat/rgb, "
            "or folder:PATH",
        ),
    )
    data_dir: str = setting(
        "Where TFDS keeps its data.",
        default="",
        default_text="TFDS_DATA_DIR, else ~/tensorflow_datasets",
        valid=_PATH,
        is_location=True,
    )
    run_dir: str = setting(
        "Where the run's files go. With --num_runs, each run's go to seedSEED "
        "below it, and the default is runs/DATASET-MODEL-seeds-from-SEED; of "
        "sweep they go to trialTRIAL/seedSEED, and it is "
        "runs/DATASET-MODEL-sweep.",
        default="",
        default_text="runs/DATASET-MODEL-seedSEED",
        valid=_PATH,
        is_location=True,
    )
    epochs: int = setting("Passes over the data.", valid=between(1, 1_000_000))
    easy_every: int = setting(
        "Over how many epochs the easier half of the training images is "
        "spread. A speedrun_s that is trained first tells which they are. 1: "
        "each epoch has all images.",
        as_before=1,
        # An image that is mirrored in every other epoch would otherwise be so
        # always or never.
        valid=Valid(
            "odd and between 1 and 999",
            lambda value: value % 2 and 1 <= value <= 999,
        ),
    )
    low_resolution: float = setting(
        "Share of the epochs, from the first on, in which training images are "
        "scaled down to 24 x 24 pixels. That is half the work. Not for "
        "networks that are made for one size: baseline, dropout, vgg16_bn, "
        "vit_tiny.",
        as_before=0.0,
        valid=SHARE,
    )
    batch_size: int = setting(
        "Images in a training step.", valid=between(1, 1_000_000)
    )
    optimizer: str = setting(
        "What applies the gradients: sgd (with Nesterov momentum 0.9), adam, "
        "adamw, rmsprop, or muon for kernels with SGD for the head and Adam "
        "for the rest. Another one than the recipe's gets its customary "
        "learning rate and weight decay, unless they are given: "
        f"{optimizers.describe()}.",
        valid=one_of(sorted(optimizers.OPTIMIZERS)),
    )
    learning_rate: float = setting(
        "The learning rate; the highest, where a schedule changes it.",
        valid=POSITIVE,
    )
    schedule: str = setting(
        "How the learning rate goes: constant; to 0 along half a cosine or a "
        "line; or one_cycle. That is up from a 25th for 30 % of the steps, "
        "then down to nothing, along cosines.",
        as_before="constant",
        valid=one_of(optimizers.SCHEDULES),
    )
    warmup: float = setting(
        "Share of all steps in which the learning rate rises to its highest, "
        "linearly; one_cycle rises by itself.",
        as_before=0.0,
        valid=SHARE,
    )
    weight_decay: float = setting(
        "Decoupled weight decay, of kernels only. Every step takes "
        "learning_rate * weight_decay of each kernel off it; biases, "
        "normalisation and embeddings are left alone. By muon only off kernels "
        "of the head, depthwise ones and attention's: it gives the others "
        "their norm.",
        as_before=0.0,
        valid=NOT_NEGATIVE,
    )
    label_smoothing: float = setting(
        "Share of each label that is spread evenly over all classes, in the "
        "training and validation loss. The test loss is always the plain "
        "cross-entropy.",
        as_before=0.0,
        valid=SHARE,
    )
    ema: float = setting(
        "Decay of a moving average of the weights, which takes their place in "
        "validation and in the saved model; 0: none.",
        as_before=0.0,
        valid=SHARE,
    )
    augment: str = setting(
        "Random changes to training images, as flip,crop=2,cutout. It is a "
        f"list of {augmentations.describe()}; or none.",
        as_before="none",
    )
    validation_fraction: float = setting(
        "Share of the training split that is held out for validation.",
        valid=SHARE,
    )
    seed: int = setting(
        "What determines initial weights, order and augmentation of the data, "
        "and dropout.",
        default=1,
        valid=between(0, 2**32 - 1),
    )
    precision: str = setting(
        "The Keras dtype policy; overrides --mixed_precision. auto: what "
        "--mixed_precision chooses.",
        default="float32",
        valid=one_of(("auto", *POLICIES)),
    )
    deterministic: bool = setting(
        "Use TensorFlow's deterministic operations only, as on a GPU the same "
        "bits need.",
        as_before=False,
    )
    sync_batch_norm: bool = setting(
        "Normalise batches as a whole where several devices share them.",
        as_before=False,
    )
    max_train_examples: int = setting(
        "Train on so many images, validate on fewer in proportion; 0: all.",
        as_before=0,
        valid=between(0, 10**9),
    )
    tta: bool = setting(
        "Evaluate on the test split with test-time augmentation as well. "
        "Predictions are averaged over mirrored and shifted views of each "
        "image; not for images that change their meaning in a mirror, as "
        "digits. For a finished run: evaluate --tta.",
        as_before=False,
    )

    def __post_init__(self):
        check_fields(self)
        canonical = augmentations.canonical(self.augment)
        object.__setattr__(self, "augment", canonical)
        if self.schedule == "one_cycle" and self.warmup:
            raise ValueError(
                "warmup must be 0 with one_cycle, which rises by itself, got "
                f"{self.warmup}."
            )

    def to_json(self) -> str:
        """Returns the config as indented JSON text."""
        values = {"format": FORMAT, **dataclasses.asdict(self)}
        return json.dumps(values, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Returns the config that `to_json` wrote, or one of an older version.

        Raises:
            NewerVersionError: it was written by a newer version.
            ValueError: the text is not JSON, or no Config.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("a config is an object")
        number = values.pop("format", 0)
        as_before = {
            f.name: f.metadata["as_before"] for f in dataclasses.fields(cls)
        }
        given = {n: v for n, v in as_before.items() if v is not None} | values
        if missing := sorted(as_before.keys() - given.keys()):
            raise ValueError(f"there is no {', '.join(missing)}")
        younger = sorted(given.keys() - as_before.keys())
        if younger or number > FORMAT:
            raise NewerVersionError(
                f"format {number}, unknown settings {younger}"
            )
        return cls(**given)

    def to_flags(self) -> list[str]:
        """Returns the flags that ask for this very config, and no default."""
        values, shown = dataclasses.asdict(self), {"model": self.model}
        # These decide what others are by default.
        for name in "optimizer", "schedule":
            if values[name] != getattr(make_config(**shown), name):
                shown[name] = values[name]
        usual = dataclasses.asdict(make_config(**shown)) | dict.fromkeys(shown)
        return [f"--{n}={v}" for n, v in values.items() if v != usual[n]]

    def settings(self) -> dict[str, Any]:
        """Returns what determines the result: all fields but the locations."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not field.metadata["is_location"]
        }

    def with_folder_of(self, other: Self) -> Self:
        """Returns the config with a folder where the other one's is.

        Only where both are trained on one; it may have been moved.
        """
        if all(c.dataset.startswith(FOLDER) for c in (self, other)):
            return dataclasses.replace(self, dataset=other.dataset)
        return self

    def differences(self, other: Self) -> list[str]:
        """Lists the settings in which two runs differ, locations aside."""
        return [
            f"{name}: {mine!r} -> {theirs!r}"
            for name, mine in self.settings().items()
            if mine != (theirs := getattr(other, name))
        ]


def make_config(**settings: Any) -> Config:
    """Returns the defaults and the model's recipe with `settings` over them.

    A setting that is None counts as not given. With another optimizer than the
    recipe's, the learning rate and the weight decay that are customary for it
    take the place of the recipe's; with one_cycle its warm-up does.

    Raises:
        ValueError: as Config does.
    """
    given = {name: v for name, v in settings.items() if v is not None}
    known = defaults(Config)
    model = given.get("model", known["model"])
    check("model", model, str, one_of(MODELS))
    recipe = MODELS[model].recipe
    optimizer = given.get("optimizer", recipe["optimizer"])
    check("optimizer", optimizer, str, ANY)  # which ones, Config knows
    if optimizer != recipe["optimizer"]:
        recipe = recipe | optimizers.OPTIMIZERS.get(optimizer, {})
    if given.get("schedule") == "one_cycle":
        recipe = recipe | {"warmup": 0.0}
    return Config(**(known | recipe | given))

"""The command line's flags, and the config they make."""

import dataclasses
import math
import sys
from collections.abc import Callable

from absl import flags

from cifar10_tf import augment_spec, recipes
from cifar10_tf import config as config_lib
from cifar10_tf.config import DEFAULTS
from cifar10_tf.errors import UserError

FLAGS = flags.FLAGS

_HELP_FLAGS = frozenset(
    {"--help", "-help", "-h", "-?", "--helpshort", "--helpfull"}
)


def _recipe_default(setting: str) -> str:
    values = sorted({getattr(r, setting) for r in recipes.RECIPES.values()})
    return f"Default: the model's own ({'; '.join(map(str, values))})."


def _customary() -> str:
    return ", ".join(
        f"{name} {c['learning_rate']} and {c['weight_decay']}"
        for name, c in recipes.OPTIMIZERS.items()
    )


flags.DEFINE_enum(
    "model", DEFAULTS["model"], sorted(recipes.RECIPES), "Network."
)
flags.DEFINE_string(
    "dataset",
    DEFAULTS["dataset"],
    "Data. auto: CIFAR-10 where it is prepared or can be downloaded, otherwise "
    "the embedded synthetic10, with a warning. Or any image classification "
    "dataset of TFDS by name (cifar10, cifar100, eurosat/rgb), or folder:PATH "
    "for images in PATH/train/CLASS/ and PATH/test/CLASS/.",
)
flags.DEFINE_string(
    "data_dir",
    DEFAULTS["data_dir"],
    "Where TFDS keeps its data. Default: TFDS_DATA_DIR, else "
    "~/tensorflow_datasets.",
)
flags.DEFINE_string(
    "run_dir",
    DEFAULTS["run_dir"],
    "Where the run's files go. Default: runs/DATASET-MODEL-seedSEED. With "
    "--num_runs, each run's go to seedSEED below it, and the default is "
    "runs/DATASET-MODEL-seedsFIRST-LAST.",
)
flags.DEFINE_integer(
    "epochs", None, f"Passes over the data. {_recipe_default('epochs')}"
)
flags.DEFINE_integer(
    "easy_every",
    None,
    "Spread the easier half of the training images over so many epochs, an odd "
    "number: a speedrun_s that is trained first tells which they are. 1: each "
    f"epoch has all images. {_recipe_default('easy_every')}",
)
flags.DEFINE_integer(
    "batch_size",
    None,
    f"Images in a training step. {_recipe_default('batch_size')}",
)
flags.DEFINE_enum(
    "optimizer",
    None,
    sorted(recipes.OPTIMIZERS),
    f"What applies the gradients. {_recipe_default('optimizer')} Another one "
    "than that gets its customary learning rate and weight decay, unless they "
    f"are given: {_customary()}.",
)
flags.DEFINE_float(
    "learning_rate",
    None,
    "Of the optimizer; the highest, where a schedule changes it. "
    + _recipe_default("learning_rate"),
)
flags.DEFINE_enum(
    "schedule",
    None,
    recipes.SCHEDULES,
    "How the learning rate goes: constant; to 0 along half a cosine or a line; "
    "or one_cycle, up from a 25th for 30 % of the steps, then down to nothing, "
    f"along cosines. {_recipe_default('schedule')}",
)
flags.DEFINE_float(
    "warmup",
    None,
    "Share of all steps in which the learning rate rises to its highest, "
    f"linearly; one_cycle rises by itself. {_recipe_default('warmup')}",
)
flags.DEFINE_float(
    "weight_decay",
    None,
    "Every step takes learning_rate * weight_decay of each kernel off it; "
    "biases, normalisation and embeddings are left alone. By muon only off "
    "kernels of the head, depthwise ones and attention's: it gives the others "
    "their norm. " + _recipe_default("weight_decay"),
)
flags.DEFINE_float(
    "label_smoothing",
    None,
    "Share of each label that is spread evenly over all classes, in the "
    "training and validation loss. The test loss is always the plain "
    f"cross-entropy. {_recipe_default('label_smoothing')}",
)
flags.DEFINE_float(
    "ema",
    None,
    "Decay of a moving average of the weights, which takes their place in "
    f"validation and in the saved model; 0: none. {_recipe_default('ema')}",
)
flags.DEFINE_string(
    "augment",
    None,
    "Random changes to training images: a list, as flip,crop=2,cutout, of "
    f"{augment_spec.describe()}; or none. {_recipe_default('augment')}",
)
flags.DEFINE_float(
    "validation_fraction",
    None,
    "Share of the training split that is held out for validation. "
    + _recipe_default("validation_fraction"),
)
flags.DEFINE_integer(
    "seed",
    DEFAULTS["seed"],
    "Determines initial weights, order and augmentation of the data, dropout.",
)
flags.DEFINE_integer(
    "num_runs",
    1,
    "Train so many times, with --seed, the seed after it and so on, and report "
    "mean, standard deviation and 95 % interval. Complete runs are not "
    "repeated.",
    lower_bound=1,
)
flags.DEFINE_boolean(
    "mixed_precision",
    False,
    "Use the precision that this hardware gains from (see `doctor`).",
)
flags.DEFINE_enum(
    "precision",
    None,
    config_lib.POLICIES,
    "Keras dtype policy; overrides --mixed_precision. Default: "
    + DEFAULTS["precision"]
    + ".",
)
flags.DEFINE_boolean(
    "deterministic",
    DEFAULTS["deterministic"],
    "Use TensorFlow's deterministic operations only.",
)
flags.DEFINE_integer(
    "max_train_examples",
    DEFAULTS["max_train_examples"],
    "Train on so many images only; 0: on all.",
)
flags.DEFINE_boolean(
    "tta",
    DEFAULTS["tta"],
    "Evaluate on the test split with test-time augmentation as well: "
    "predictions averaged over mirrored and shifted views of each image; not "
    "for images that change their meaning in a mirror, as digits. For a "
    "finished run: evaluate --tta.",
)
flags.DEFINE_boolean(
    "restart",
    False,
    "Start over where --run_dir holds a run already, which is kept under "
    "another name.",
)
flags.DEFINE_float(
    "checkpoint_every_sec",
    60.0,
    "How often at least the training is saved: an interrupted run goes on, by "
    "the same command, from there. 0: after each step.",
    lower_bound=0.0,
)
flags.DEFINE_float(
    "max_minutes",
    0.0,
    "Stop the training when the process has run for so long, saved so that the "
    "same command goes on with it; 0: no limit. The exit status is then 75.",
    lower_bound=0.0,
)
for _name in "checkpoint_every_sec", "max_minutes":
    flags.register_validator(_name, math.isfinite, "must be a finite number.")
flags.DEFINE_boolean("debug", False, "Show the traceback of an error.")


def parse(argv: list[str], help_text: Callable[[], str]) -> list[str]:
    """Parses the command line and returns what is not a flag, program aside.

    A flag that asks for help prints it and ends the process, with status 0.

    Raises:
        UserError: a flag is unknown or its value not acceptable.
    """
    if _HELP_FLAGS.intersection(argv[1:]):
        print(help_text())
        sys.exit(0)
    FLAGS.set_gnu_getopt(True)  # flags may follow the command
    try:
        arguments = FLAGS(argv)[1:]
    except flags.Error as error:
        raise UserError(
            f"{' '.join(str(error).split())}; see cifar10-tf --help."
        ) from error
    if FLAGS["verbosity"].using_default_value:
        FLAGS.verbosity = -1  # TFDS is talkative at absl's default, INFO
    return arguments


def arguments(**changes) -> list[str]:
    """Returns the flags of this command line, with changes, for another one."""
    defined = FLAGS.flags_by_module_dict()[__name__]
    given = {flag.name: flag.value for flag in defined if flag.present}
    return [f"--{name}={value}" for name, value in (given | changes).items()]


def help_text() -> str:
    """Describes every flag of this package."""
    return FLAGS.module_help(__name__)


def make_config() -> config_lib.Config:
    """Returns the config that the flags describe.

    Raises:
        UserError: a value is out of range.
    """
    fields = dataclasses.fields(config_lib.Config)
    settings = {field.name: FLAGS[field.name].value for field in fields}
    if settings["precision"] is None and FLAGS.mixed_precision:
        settings["precision"] = "auto"
    try:
        return config_lib.make_config(**settings)
    except ValueError as error:
        raise UserError(str(error)) from error

import dataclasses
import json
import re
import subprocess
import sys

from absl.testing import absltest, flagsaver, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.cli import flags
from cifar10_tf.settings.command_options import (
    COMMAND_OPTIONS,
    EvaluateOptions,
)
from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.settings.models import MODELS
from cifar10_tf.settings.optimizers import OPTIMIZERS, SCHEDULES
from cifar10_tf.settings.options import Options
from cifar10_tf.system.errors import UserError

_FIELDS = dataclasses.fields(Config)


def _parsed(arguments):
    """Returns the config that a command line with these flags asks for."""
    with flagsaver.flagsaver():
        rest = flags.parse(["cifar10-tf", "train", *arguments], lambda: "")
        assert rest == ["train"], rest
        return flags.config_and_options()[0]


_SHARES = st.floats(0, 1, exclude_max=True)

_CONFIGS = st.builds(
    make_config,
    model=st.sampled_from(sorted(MODELS)),
    dataset=st.sampled_from(["auto", "eurosat/rgb", "folder:/my cats, 2"]),
    # No argument of a process has a null in it.
    data_dir=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    run_dir=st.sampled_from(["", "runs/my first", "--seed=3", "a=b"]),
    epochs=st.integers(1, 1_000_000),
    easy_every=st.integers(0, 499).map(lambda i: 2 * i + 1),
    batch_size=st.integers(1, 1_000_000),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    learning_rate=st.floats(0, exclude_min=True, allow_infinity=False),
    schedule=st.sampled_from(SCHEDULES),
    warmup=st.none() | st.just(0.0),
    weight_decay=st.floats(0, allow_infinity=False),
    label_smoothing=_SHARES,
    ema=_SHARES,
    augment=st.sampled_from(["none", "flip,crop=2,cutout", "brightness=0.1"]),
    validation_fraction=_SHARES,
    seed=st.integers(0, 2**32 - 1),
    precision=st.sampled_from(["auto", "float32", "mixed_bfloat16"]),
    deterministic=st.booleans(),
    max_train_examples=st.integers(0, 10**9),
    tta=st.booleans(),
)


class ToFlagsTest(absltest.TestCase):
    @given(_CONFIGS)
    @settings(max_examples=50, deadline=None)
    def test_any_config_comes_back(self, config):
        self.assertEqual(_parsed(config.to_flags()), config)

    def test_a_model_alone_says_all(self):
        for model in MODELS:
            self.assertEqual(
                make_config(model=model).to_flags(), [f"--model={model}"]
            )

    def test_by_way_of_a_process(self):
        config = make_config(
            model="speedrun_s", epochs=1, precision="auto", tta=True,
            data_dir="/my data, not\nyours", run_dir="~/runs/'first' \"run\"",
        )  # fmt: skip
        program = (
            "import sys; from absl import app  # which defines a flag, too\n"
            "from cifar10_tf.cli import flags\n"
            "flags.parse(sys.argv, str)\n"
            "sys.stdout.write(flags.config_and_options()[0].to_json())"
        )
        output = subprocess.check_output(
            [sys.executable, "-c", program, "train", *config.to_flags()],
            text=True,
        )
        self.assertEqual(Config.from_json(output), config)
        self.assertEqual(json.loads(output)["precision"], "auto")

    def test_a_recipe_says_nothing_any_more(self):
        config = make_config(model="vit_tiny", warmup=0.0, optimizer="sgd")
        self.assertEqual(_parsed(config.to_flags()).warmup, 0.0)


class FlagsTest(parameterized.TestCase):
    @parameterized.parameters(
        *(("train", f) for f in (*_FIELDS, *dataclasses.fields(Options))),
        *(
            (command, field)
            for command, options in COMMAND_OPTIONS.items()
            for field in dataclasses.fields(options)
        ),
    )
    def test_every_setting_has_a_flag(self, command, field):
        flag = flags.FLAGS[field.name]
        self.assertIsNone(flag.default)
        self.assertIn(field.name, flags.NAMES)
        value = {bool: "true", int: "3", float: "0.5", str: "x"}[field.type]
        self.assertIs(type(flag.parser.parse(value)), field.type)
        self.assertEqual(
            flags.describe(field.name, command).meaning, field.metadata["help"]
        )

    def test_help_is_of_the_flags_of_a_command(self):
        text = flags.help_text(["tta", "seed"])
        self.assertEqual(
            re.findall(r"^  --(\S+):", text, re.MULTILINE),
            ["[no]tta", "seed", "[no]debug"],
        )
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertIn("(between 0 and 4294967295; default: 1)", text)

    def test_help_names_each_flag_once(self):
        text = flags.help_text(flags.OF_TRAINING)
        self.assertEqual(text.count("--[no]debug:"), 1)

    def test_a_flag_of_another_command_is_refused(self):
        with flagsaver.flagsaver():
            flags.parse(["", "evaluate", "--notta", "--debug"], str)
            flags.check_taken("evaluate", ["tta"])
            with self.assertRaisesRegex(
                UserError, "takes no --tta; its flags are --seed, --debug"
            ):
                flags.check_taken("evaluate", ["seed"])

    def test_without_flags_it_is_the_default_config(self):
        self.assertEqual(_parsed([]), make_config())
        self.assertEqual(
            _parsed(["--model=speedrun_m"]), make_config(model="speedrun_m")
        )

    def test_mixed_precision_is_auto_where_no_precision_is_given(self):
        self.assertEqual(_parsed(["--mixed_precision"]).precision, "auto")
        both = ["--mixed_precision", "--precision=float32"]
        self.assertEqual(_parsed(both).precision, "float32")
        self.assertEqual(_parsed(["--nomixed_precision"]).precision, "float32")

    def test_flags_may_follow_the_command_or_come_before(self):
        with flagsaver.flagsaver():
            rest = flags.parse(["", "--seed=2", "prepare", "--tta", "x"], str)
            self.assertEqual(rest, ["prepare", "x"])
            config, _ = flags.config_and_options()
            self.assertEqual(config.seed, 2)
            self.assertTrue(config.tta)

    def test_evaluate_has_options_of_its_own(self):
        with flagsaver.flagsaver():
            flags.parse(["", "evaluate", "--split=train", "--debug"], str)
            self.assertEqual(
                flags.options_of(EvaluateOptions),
                EvaluateOptions(
                    run_dir="",
                    split="train",
                    tta=False,
                    corruptions=False,
                    output="",
                ),
            )
            self.assertNotIn("split", flags.OF_TRAINING)
            flags.parse(["", "evaluate", "--split=all"], str)
            with self.assertRaisesRegex(UserError, "split.*validation"):
                flags.options_of(EvaluateOptions)

    @parameterized.parameters(
        (
            "--modle=dropout",
            r"--modle; did you mean model\? see cifar10-tf --help",
        ),
        ("--xyz=1", "--xyz; see"),
        ("--epochs=many", "many: must be a whole number.*--help"),
        ("--tta=yes", "^flag --tta=yes: must be --tta or --notta; see"),
        ("--model=resnet", "did you mean resnet.*baseline"),
        ("--epochs=0", "epochs must be between 1"),
        ("--max_minutes=nan", "max_minutes must be 0 or positive, got nan"),
    )
    def test_mistakes_are_errors_of_one_line(self, flag, message):
        with self.assertRaisesRegex(UserError, message) as caught:
            _parsed([flag])
        self.assertNotIn("\n", str(caught.exception))


class DescribeTest(absltest.TestCase):
    def _default(self, name):
        return flags.describe(name).default

    def test_defaults(self):
        self.assertEqual(self._default("model"), "dropout")
        self.assertEqual(self._default("seed"), "1")
        self.assertEqual(self._default("tta"), "off")
        self.assertEqual(self._default("checkpoint_every_sec"), "60")
        self.assertIn("TFDS_DATA_DIR", self._default("data_dir"))
        self.assertEqual(
            self._default("easy_every"),
            "the model's own: 3 for speedrun_m; 1 for the others",
        )


if __name__ == "__main__":
    absltest.main()

import dataclasses
import json
from unittest import mock

from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.settings.models import MODELS
from cifar10_tf.settings.optimizers import OPTIMIZERS

# What every config must say of itself: no run was ever made without.
_ALWAYS_THERE = {
    "model", "dataset", "data_dir", "run_dir", "epochs", "batch_size",
    "optimizer", "learning_rate", "validation_fraction", "seed", "precision",
}  # fmt: skip

# How runs were made before there was the setting.
_AS_BEFORE = {
    "easy_every": 1, "low_resolution": 0.0, "schedule": "constant",
    "warmup": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0, "ema": 0.0,
    "augment": "none", "deterministic": False, "max_train_examples": 0,
    "tta": False,
}  # fmt: skip


class MakeConfigTest(parameterized.TestCase):
    def test_the_recipe_fills_in_what_is_not_set(self):
        config = make_config(model="baseline", epochs=2, seed=None)
        self.assertEqual(config.epochs, 2)
        recipe = MODELS["baseline"].recipe
        self.assertEqual(config.batch_size, recipe["batch_size"])
        self.assertEqual(config.seed, 1)

    def test_the_notebooks_recipe(self):
        for model in ("baseline", "dropout"):
            config = make_config(model=model)
            self.assertEqual(config.epochs, 31)
            self.assertEqual(config.batch_size, 256)
            self.assertEqual(config.learning_rate, 0.001)
            self.assertEqual(config.validation_fraction, 0.3)
            self.assertEqual(config.optimizer, "rmsprop")
            self.assertEqual(config.schedule, "constant")
            for extra in "warmup", "weight_decay", "label_smoothing", "ema":
                self.assertEqual(getattr(config, extra), 0.0)

    @parameterized.parameters(*OPTIMIZERS)
    def test_another_optimizer_brings_its_own_rate(self, optimizer):
        of_dropout = MODELS["dropout"]
        recipe = of_dropout.recipe | {
            "optimizer": "sgd",
            "learning_rate": 0.3,
            "weight_decay": 0.7,
        }
        with mock.patch.dict(
            MODELS, {"dropout": of_dropout._replace(recipe=recipe)}
        ):
            config = make_config(optimizer=optimizer)
            rate_given = make_config(optimizer=optimizer, learning_rate=0.5)
        customary = OPTIMIZERS[optimizer]
        if optimizer == "sgd":  # the recipe's, though named by a flag
            customary = {"learning_rate": 0.3, "weight_decay": 0.7}
        self.assertEqual(config.learning_rate, customary["learning_rate"])
        self.assertEqual(config.weight_decay, customary["weight_decay"])
        self.assertEqual(rate_given.learning_rate, 0.5)
        self.assertEqual(rate_given.weight_decay, customary["weight_decay"])

    @parameterized.parameters(
        {"model": "droput"},
        {"dataset": ""},
        {"dataset": "folder:"},
        {"dataset": "/data/cats"},
        {"dataset": "../cats"},
        {"dataset": "mnist/.."},
        {"dataset": "mnist:3.0.1"},
        {"data_dir": "data\0"},
        {"run_dir": "a\0run"},
        {"precision": "float16"},
        {"epochs": 0},
        {"epochs": 10**9},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"learning_rate": 10**400},
        {"optimizer": "sdg"},
        {"optimizer": ["sgd"]},
        {"schedule": "step"},
        {"warmup": 1.0},
        {"warmup": -0.1},
        {"weight_decay": -1e-9},
        {"weight_decay": float("inf")},
        {"weight_decay": float("nan")},
        {"label_smoothing": 1.0},
        {"label_smoothing": -0.1},
        {"ema": 1.0},
        {"ema": float("nan")},
        {"validation_fraction": 1.0},
        {"validation_fraction": -0.1},
        {"validation_fraction": float("nan")},
        {"seed": -1},
        {"seed": 2**32},
        {"max_train_examples": -1},
        {"deterministic": "yes"},
        {"augment": "flip,flop"},
        {"easy_every": 0},
        {"easy_every": 2},
    )
    def test_refuses(self, **setting):
        (name,) = setting
        with self.assertRaisesRegex(ValueError, name[:7]):
            make_config(**setting)

    def test_refuses_what_is_no_setting(self):
        with self.assertRaisesRegex(TypeError, "surprise"):
            make_config(surprise=1)

    def test_one_cycle_has_no_warmup_of_its_own(self):
        with_recipe = make_config(model="vit_tiny", schedule="one_cycle")
        self.assertEqual(with_recipe.warmup, 0)
        with self.assertRaisesRegex(ValueError, "warmup must be 0 with one_c"):
            make_config(schedule="one_cycle", warmup=0.1)

    def test_augment_has_one_form(self):
        config = make_config(augment="crop, flip")
        self.assertEqual(config.augment, "flip,crop=4")
        other = make_config(augment="flip,crop=4")
        self.assertEqual(config.differences(other), [])

    @parameterized.parameters(
        "auto", "cifar100", "eurosat/rgb", "folder:my cats", "folder:/a/b.c"
    )
    def test_dataset_names(self, name):
        self.assertEqual(make_config(dataset=name).dataset, name)


class ConfigTest(parameterized.TestCase):
    def test_settings_are_all_but_locations(self):
        config = make_config(run_dir="a", data_dir="b")
        settings_ = config.settings()
        self.assertNotIn("a", settings_.values())
        self.assertNotIn("b", settings_.values())
        self.assertEqual(Config(**settings_, run_dir="a", data_dir="b"), config)

    def test_differences_leave_locations_out(self):
        one = make_config(run_dir="a", data_dir="b")
        other = make_config(run_dir="c", data_dir="d", epochs=5)
        self.assertEqual(one.differences(other), ["epochs: 31 -> 5"])

    def test_json_round_trip(self):
        config = make_config(seed=2**32 - 1, learning_rate=1)
        self.assertEqual(Config.from_json(config.to_json()), config)

    @given(
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        st.floats(0, exclude_min=True, allow_infinity=False),
    )
    @settings(deadline=None)
    def test_json_keeps_every_text_and_number(self, data_dir, rate):
        config = make_config(data_dir=data_dir, learning_rate=rate)
        self.assertEqual(Config.from_json(config.to_json()), config)

    @parameterized.parameters("", "[]", "{}", '"config"', "null")
    def test_from_json_refuses_what_is_no_config(self, text):
        with self.assertRaises(ValueError):
            Config.from_json(text)

    def test_from_json_refuses_unknown_and_wrong_values(self):
        values = dataclasses.asdict(make_config())
        for wrong in ({"surprise": 1}, {"epochs": "31"}, {"epochs": None}):
            with self.assertRaises(ValueError):
                Config.from_json(json.dumps(values | wrong))

    @parameterized.parameters(*_AS_BEFORE)
    def test_from_json_takes_an_older_runs_config(self, name):
        values = dataclasses.asdict(make_config(model="speedrun_m", tta=True))
        del values[name]
        config = Config.from_json(json.dumps(values))
        self.assertEqual(getattr(config, name), _AS_BEFORE[name])

    @parameterized.parameters(*sorted(_ALWAYS_THERE))
    def test_from_json_wants_what_every_run_had(self, name):
        values = dataclasses.asdict(make_config())
        del values[name]
        with self.assertRaisesRegex(ValueError, name):
            Config.from_json(json.dumps(values))

    def test_every_other_setting_has_a_value_for_before(self):
        before = {
            field.name: field.metadata["as_before"]
            for field in dataclasses.fields(Config)
            if field.name not in _ALWAYS_THERE
        }
        self.assertNotIn(None, before.values())
        self.assertEqual(before, before | _AS_BEFORE)


class DeclarationsTest(parameterized.TestCase):
    @parameterized.parameters(*dataclasses.fields(Config))
    def test_help_is_a_sentence(self, field):
        text = field.metadata["help"]
        self.assertRegex(text, r"^[A-Z](?s:.*)[^.]\.$")
        self.assertEqual(text, " ".join(text.split()))

    @parameterized.parameters(*dataclasses.fields(Config))
    def test_defaults_are_valid_and_of_the_type(self, field):
        for kind in ("default", "as_before"):
            value = field.metadata[kind]
            if value is None:
                continue
            self.assertIs(type(value), field.type)
            self.assertTrue(field.metadata["valid"].holds(value))

    @parameterized.parameters(*dataclasses.fields(Config))
    def test_a_default_or_every_recipe_has_it(self, field):
        lacking = [
            name
            for name, model in MODELS.items()
            if field.name not in model.recipe
        ]
        if field.metadata["default"] is None:
            self.assertEqual(lacking, [])


if __name__ == "__main__":
    absltest.main()

import dataclasses
import json
from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf import config as config_lib
from cifar10_tf import recipes


class ConfigTest(parameterized.TestCase):
    def test_the_recipe_fills_in_what_is_not_set(self):
        config = config_lib.make_config(model="baseline", epochs=2, seed=None)
        self.assertEqual(config.epochs, 2)
        self.assertEqual(
            config.batch_size, recipes.RECIPES["baseline"].batch_size
        )
        self.assertEqual(config.seed, 1)

    def test_the_notebooks_recipe(self):
        for model in ("baseline", "dropout"):
            config = config_lib.make_config(model=model)
            self.assertEqual(config.epochs, 31)
            self.assertEqual(config.batch_size, 256)
            self.assertEqual(config.learning_rate, 0.001)
            self.assertEqual(config.validation_fraction, 0.3)
            self.assertEqual(config.optimizer, "rmsprop")
            self.assertEqual(config.schedule, "constant")
            for extra in "warmup", "weight_decay", "label_smoothing", "ema":
                self.assertEqual(getattr(config, extra), 0.0)

    @parameterized.parameters(*recipes.RECIPES)
    def test_every_recipe_is_valid(self, model):
        config = config_lib.make_config(model=model)
        recipe = recipes.RECIPES[model]
        for field in dataclasses.fields(recipe):
            self.assertEqual(
                getattr(config, field.name), getattr(recipe, field.name)
            )

    @parameterized.parameters(*recipes.OPTIMIZERS)
    def test_another_optimizer_brings_its_own_rate(self, optimizer):
        recipe = dataclasses.replace(
            recipes.RECIPES["dropout"],
            optimizer="sgd",
            learning_rate=0.3,
            weight_decay=0.7,
        )
        with mock.patch.dict(recipes.RECIPES, {"dropout": recipe}):
            config = config_lib.make_config(optimizer=optimizer)
            rate_given = config_lib.make_config(
                optimizer=optimizer, learning_rate=0.5
            )
        customary = recipes.OPTIMIZERS[optimizer]
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
        {"precision": "float16"},
        {"epochs": 0},
        {"epochs": 10**9},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"optimizer": "sdg"},
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
            config_lib.make_config(**setting)

    def test_one_cycle_has_no_warmup_of_its_own(self):
        with_recipe = config_lib.make_config(
            model="vit_tiny", schedule="one_cycle"
        )
        self.assertEqual(with_recipe.warmup, 0)
        with self.assertRaisesRegex(ValueError, "warmup must be 0 with one_c"):
            config_lib.make_config(schedule="one_cycle", warmup=0.1)

    def test_augment_has_one_form(self):
        config = config_lib.make_config(augment="crop, flip")
        self.assertEqual(config.augment, "flip,crop=4")
        other = config_lib.make_config(augment="flip,crop=4")
        self.assertEqual(config.differences(other), [])

    @parameterized.parameters(
        "auto", "cifar100", "eurosat/rgb", "folder:my cats", "folder:/a/b.c"
    )
    def test_dataset_names(self, name):
        self.assertEqual(config_lib.make_config(dataset=name).dataset, name)

    def test_settings_are_all_but_locations(self):
        config = config_lib.make_config(run_dir="a", data_dir="b")
        settings = config.settings()
        self.assertNotIn("a", settings.values())
        self.assertNotIn("b", settings.values())
        self.assertEqual(
            config_lib.Config(**settings, run_dir="a", data_dir="b"), config
        )

    def test_json_round_trip(self):
        config = config_lib.make_config(seed=2**32 - 1, learning_rate=1)
        self.assertEqual(config_lib.Config.from_json(config.to_json()), config)

    @parameterized.parameters("", "[]", "{}", '"config"', "null")
    def test_from_json_refuses_what_is_no_config(self, text):
        with self.assertRaises(ValueError):
            config_lib.Config.from_json(text)

    def test_from_json_refuses_unknown_and_wrong_values(self):
        values = dataclasses.asdict(config_lib.make_config())
        for wrong in ({"surprise": 1}, {"epochs": "31"}, {"epochs": None}):
            with self.assertRaises(ValueError):
                config_lib.Config.from_json(json.dumps(values | wrong))

    def test_differences_leave_locations_out(self):
        one = config_lib.make_config(run_dir="a", data_dir="b")
        other = config_lib.make_config(run_dir="c", data_dir="d", epochs=5)
        self.assertEqual(one.differences(other), ["epochs: 31 -> 5"])


if __name__ == "__main__":
    absltest.main()

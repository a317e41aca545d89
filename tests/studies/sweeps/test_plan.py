import pathlib

from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.sweeps.plan import Plan
from cifar10_tf.system.errors import UserError
from tests import fakes
from tests.studies.sweeps import plans


class PlanTest(parameterized.TestCase):
    def test_the_runs_of_a_trial(self):
        plan = plans.make("/sweep", {"seed": 5}, seeds=2)
        first, second = plan.configs(3, {"learning_rate": 0.25})
        self.assertEqual(first.run_dir, "/sweep/trial3/seed5")
        self.assertEqual(second.run_dir, "/sweep/trial3/seed6")
        self.assertEqual((first.seed, second.seed), (5, 6))
        self.assertEqual(first.learning_rate, 0.25)
        self.assertNotEmpty(first.data_dir)

    def test_the_default_directory(self):
        for search, name in (
            (plans.SEARCH, "synthetic10-speedrun_s-sweep"),
            ("model=speedrun_s|speedrun_m", "synthetic10-sweep"),
        ):
            given = {"dataset": "synthetic10"}
            if "model" not in search:
                given["model"] = "speedrun_s"
            plan = Plan.make(given, plans.options(search=search))
            self.assertEqual(plan.path.name, name)
            self.assertEqual(plan.path.parent.name, "runs")

    def test_a_model_brings_its_recipe(self):
        plan = plans.make("/sweep", search="optimizer=sgd|adam")
        (config,) = plan.configs(0, {"optimizer": "adam"})
        expected = make_config(model="speedrun_s", optimizer="adam")
        self.assertEqual(config.learning_rate, expected.learning_rate)

    def test_the_winner_has_a_place_beside_the_sweep(self):
        winner = plans.make("/sweep").winner({"learning_rate": 0.25})
        self.assertEqual(
            winner.to_flags(),
            ["--model=speedrun_s", "--dataset=synthetic10"]
            + ["--run_dir=/sweep-best", "--learning_rate=0.25"],
        )

    def test_a_folder_is_known_by_its_images(self):
        parent = pathlib.Path(self.create_tempdir().full_path)
        fakes.write_folder(
            parent / "a", {"train/cat": 2, "train/dog": 2, "test/cat": 1}
        )

        def identity(name):
            dataset = f"folder:{parent / name}"
            return plans.make("/sweep", {"dataset": dataset}).identity()

        before = identity("a")
        moved = (parent / "a").rename(parent / "b")
        self.assertEqual(identity("b"), before)
        (moved / "train" / "cat" / "more.png").write_text("")
        self.assertNotEqual(identity("b"), before)

    def test_a_grid_has_no_more_trials_than_combinations(self):
        search = "batch_size=1|2|3,augment=none|flip"
        for trials, expected in (20, 6), (4, 4):
            plan = plans.make(
                "/sweep", search=search, sampler="grid", trials=trials
            )
            self.assertEqual(plan.num_trials, expected)

    def test_the_longest_run(self):
        plan = plans.make("/sweep", {"epochs": 7})
        self.assertEqual(plan.max_epochs, 7)
        plan = Plan.make(
            {"model": "speedrun_s", "dataset": "synthetic10"},
            plans.options(search="epochs=2:9"),
        )
        self.assertEqual(plan.max_epochs, 9)

    @parameterized.parameters(
        ({}, {"search": ""}, "--search says what to try"),
        ({"batch_size": 7}, {"search": "batch_size=1|2"}, "and in --search"),
        ({}, {"sampler": "grid"}, "grid tries .* learning_rate has a range"),
        # Each is valid, and the two together are not.
        (
            {},
            {"search": "warmup=0:0.1,ema=0:0.9,schedule=linear|one_cycle"},
            "warmup must be 0 with one_cycle",
        ),
        ({"seed": 2**32 - 1}, {"seeds": 2}, "seed must be between"),
        ({"validation_fraction": 0.0}, {}, "speedrun_s keeps none"),
        ({"model": "resnet18"}, {}, "resnet18 keeps none"),
        ({}, {"metric": "validation_loss"}, "where label_smoothing differs"),
    )
    def test_mistakes(self, settings, options, message):
        with self.assertRaisesRegex(UserError, message):
            plans.make("/sweep", settings, **options)

    def test_models_are_compared_on_the_same_images(self):
        options = plans.options(search="model=dropout|speedrun_s")
        given = {"dataset": "synthetic10"}
        with self.assertRaisesRegex(
            UserError, "where validation_fraction differs, here from 0.04 to 0"
        ):
            Plan.make(given, options)
        Plan.make(given | {"validation_fraction": 0.1}, options)

    def test_a_loss_is_of_the_same_labels(self):
        options = plans.options(
            search="model=vit_tiny|resnet20", metric="validation_loss"
        )
        given = {"dataset": "synthetic10", "validation_fraction": 0.1}
        with self.assertRaisesRegex(UserError, "label_smoothing differs"):
            Plan.make(given, options)
        Plan.make(given | {"label_smoothing": 0.1}, options)

    def test_a_test_metric_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no figure says how good they"):
            plans.options(metric="test_accuracy")


if __name__ == "__main__":
    absltest.main()

import contextlib
import io
import os
from unittest import mock

from absl.testing import absltest, flagsaver, parameterized

from cifar10_tf.cli.commands import evaluate
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from tests import cases, fakes


class EvaluateTest(cases.CommandTestCase):
    """What it refuses; what it finds is in `training/test_trainer.py`."""

    def test_an_unfinished_run(self):
        run = RunDirectory(self.directory / "run")
        run.open(make_config(dataset="synthetic10"))
        result = self.run_light("evaluate", "--run_dir=run")
        self.assert_error(result, "is not complete")

    def test_data_are_not_put_where_a_config_says(self):
        elsewhere = self.directory / "elsewhere"
        run = RunDirectory(self.directory / "run")
        run.open(make_config(dataset="cifar10", data_dir=str(elsewhere)))
        run.complete(fakes.SUMMARY)
        result = self.run_light("evaluate", "--run_dir=run")
        self.assert_error(result, "cifar10 is not in", "--data_dir")
        self.assertFalse(elsewhere.exists())

    def test_another_dataset_must_be_there(self):
        self._complete("run")
        result = self.run_light(
            "evaluate", "--run_dir=run", "--dataset=cifar100"
        )
        self.assert_error(result, "cifar100 is not in", "--data_dir")

    def _complete(self, name, **settings):
        run = RunDirectory(self.directory / name)
        run.open(make_config(dataset="synthetic10", **settings))
        run.complete(fakes.SUMMARY)

    @parameterized.parameters(
        (["--split=tests"], "did you mean test?"),
        (["--output=x.txt"], "--output=x.txt is no name of a .json file"),
        (["--output=here.json"], "is a directory"),
        (["--output=run/summary.json"], "is a run's own"),
        (["--output=/proc/x/y.json"], "can't be written", "another file"),
        (["--output=a.txt/y.json"], "can't be written"),
        (["--output=~nobody-here/y.json"], "no home of ~nobody-here"),
    )
    def test_mistakes_are_found_at_once(self, arguments, *parts):
        self._complete("run")
        (self.directory / "here.json").mkdir()
        (self.directory / "a.txt").touch()
        result = self.run_light("evaluate", "--run_dir=run", *arguments)
        self.assert_error(result, *parts)

    def test_a_study_has_no_output(self):
        self._complete("study/seed1")
        result = self.run_light(
            "evaluate", "--run_dir=study", "--output=x.json"
        )
        self.assert_error(result, "of one run", "--run_dir")

    def test_a_study_is_evaluated_run_by_run(self):
        for seed in 10, 9:
            self._complete(f"study/seed{seed}", seed=seed)
        output = io.StringIO()
        with (
            flagsaver.flagsaver(run_dir=str(self.directory / "study")),
            mock.patch.object(evaluate, "_evaluate") as evaluated,
            mock.patch.object(evaluate, "describe_evaluation"),
            contextlib.redirect_stdout(output),
        ):
            evaluated.side_effect = [{"accuracy": 0.5}, {"accuracy": 0.7}]
            evaluate.run()
        seeds = [call.args[0].path.name for call in evaluated.mock_calls]
        self.assertEqual(seeds, ["seed9", "seed10"])
        self.assertIn("Mean of 2 runs: accuracy 60.00%\n", output.getvalue())

    def test_data_that_are_in_another_place_now(self):
        fakes.write_cifar10(self.data_dir, 20, 10)
        config = make_config(dataset="cifar10", data_dir="/gone")
        with mock.patch.dict(os.environ, self.environment):
            self.assertEqual(evaluate._find_data(config), ("cifar10", ""))
            with (
                flagsaver.flagsaver(dataset="folder:x"),
                self.assertRaisesRegex(UserError, "x does not exist"),
            ):
                evaluate._find_data(config)

    def test_a_folder_that_has_moved(self):
        sizes = {"train/dog": 3, "train/cat": 2, "test/cat": 1}
        pets = fakes.write_folder(self.directory / "pets", sizes)
        config = make_config(dataset="folder:/gone/pets")
        with flagsaver.flagsaver(dataset=f"folder:{pets}"):
            name, _ = evaluate._find_data(config)
        self.assertEqual(name, f"folder:{pets}")

    def test_classes_that_have_other_numbers_now(self):
        trained = {"class_names": ["cat", "dog"]}
        evaluate._check_classes(trained, ("cat", "dog"))
        evaluate._check_classes({}, ("cat", "dog"))
        for summary in trained, {"per_class_accuracy": {"cat": 1, "dog": 0}}:
            with self.assertRaisesRegex(UserError, "'cat' is 'canis' now"):
                evaluate._check_classes(summary, ("canis", "felis"))
            with self.assertRaisesRegex(
                UserError, "tells 2 classes apart .cat, dog., .* has 3 .*emu"
            ):
                evaluate._check_classes(summary, ("cat", "dog", "emu"))

    def test_a_folder_that_is_gone(self):
        run = RunDirectory(self.directory / "run")
        run.open(make_config(dataset=f"folder:{self.directory}/pets"))
        run.complete(fakes.SUMMARY)
        result = self.run_light("evaluate", "--run_dir=run")
        self.assert_error(
            result,
            "pets does not exist",
            "If it has moved: --dataset=folder:NEW",
        )


if __name__ == "__main__":
    absltest.main()

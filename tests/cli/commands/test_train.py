import contextlib
import importlib.util
import io
from unittest import mock

from absl.testing import absltest, flagsaver

from cifar10_tf.cli.commands import train
from cifar10_tf.runs import resolved_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.studies import seeds, summary
from cifar10_tf.studies.executors import processes
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError
from tests import cases, fakes

_IMPORTS = """
import sys
from cifar10_tf.cli.commands import doctor, evaluate, prepare, train
from cifar10_tf.studies import seeds, summary
sys.exit("tensorflow" in sys.modules)
"""


class TrainTest(cases.CommandTestCase):
    def test_the_default_directory_of_a_study(self):
        run = "runs/synthetic10-dropout-seeds-from-4/seed5"
        (self.directory / run / "thesis").mkdir(parents=True)
        result = self.run_light(
            "--dataset=synthetic10", "--seed=4", "--num_runs=3"
        )
        self.assert_error(result, run, "not a run")

    def test_the_default_directory_of_a_run(self):
        sizes = {"train/dog": 1, "train/cat": 1, "test/cat": 1}
        fakes.write_folder(self.directory / "my pets", sizes)
        for arguments, name in (
            (["--dataset=synthetic10", "--seed=4"], "synthetic10-dropout"),
            (
                ["--dataset=folder:my pets", "--seed=4", "--model=vit_tiny"],
                "folder-my-pets-vit_tiny",
            ),
        ):
            run = f"runs/{name}-seed4"
            (self.directory / run / "thesis").mkdir(parents=True)
            self.assert_error(self.run_light(*arguments), run, "not a run")

    def test_a_complete_run_is_not_repeated(self):
        config = make_config(dataset="synthetic10", seed=3)
        run = RunDirectory(self.directory / "run")
        run.open(config)
        fakes.write_model(run.model)
        run.complete(fakes.SUMMARY)
        flags = ["--dataset=synthetic10", "--seed=3", "--run_dir=run"]
        result = self.run_light("train", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(
            lines[0],
            f"Nothing left to do: {run.path} holds this very run, complete.",
        )
        self.assertRegex(lines[1], "test accuracy 25.00%")

    def test_what_a_study_is_told(self):
        run_dir = str(self.directory / "study")
        with (
            flagsaver.flagsaver(
                model="speedrun_s", dataset="synthetic10", epochs=1,
                num_runs=4, restart=True, run_dir=run_dir,
                checkpoint_every_sec=10.0, debug=True, mixed_precision=True,
                tensorboard=True, profile_steps="10,20",
            ),
            mock.patch.object(seeds, "train") as trained,
            mock.patch.object(summary, "table"),
        ):  # fmt: skip
            train.run()
        (config, num_runs), options = trained.call_args
        self.assertEqual(num_runs, 4)
        self.assertIsInstance(options.pop("executor"), processes.Processes)
        self.assertEqual(
            options,
            {
                "restart": True,
                "run_flags": [
                    "--checkpoint_every_sec=10.0",
                    "--debug=True",
                    "--tensorboard=True",
                    "--profile_steps=10,20",
                ],
            },
        )
        self.assertEqual(
            config,
            make_config(
                model="speedrun_s", dataset="synthetic10", epochs=1,
                precision="auto", run_dir=run_dir, data_dir=config.data_dir,
            ),
        )  # fmt: skip

    def test_a_single_run_is_made_here(self):
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=True),
            flagsaver.flagsaver(dataset="synthetic10", engine="ray"),
            self.assertRaisesRegex(UserError, "of --num_runs=N or of swe"),
        ):
            train.run()

    def test_without_ray_it_says_how_to_get_it(self):
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=None),
            flagsaver.flagsaver(engine="ray", num_runs=2),
            self.assertRaisesRegex(UserError, r"'cifar10_tf\[ray\]'"),
        ):
            train.run()

    def test_the_data_of_a_study_are_looked_for_once(self):
        with (
            flagsaver.flagsaver(dataset="synthetic10", num_runs=2,
                                run_dir=str(self.directory / "study")),
            mock.patch.object(
                resolved_config, "resolve_dataset", return_value="synthetic10"
            ) as resolve,
            mock.patch.object(
                processes, "_make", side_effect=interruption.Interrupted("", 1)
            ),
            contextlib.redirect_stdout(io.StringIO()),
            self.assertRaises(interruption.Interrupted),
        ):  # fmt: skip
            train.run()
        resolve.assert_called_once()

    def test_a_study_is_free_of_tensorflow(self):
        result = self.run_light(program=_IMPORTS)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    absltest.main()

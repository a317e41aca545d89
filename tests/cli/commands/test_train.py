import contextlib
import importlib.util
import io
import os
from unittest import mock

from absl.testing import absltest, flagsaver

from cifar10_tf.cli.commands import train
from cifar10_tf.runs import resolved_config
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.studies import executors, seeds, summary
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

_TF_CONFIG = (
    '{"cluster": {"worker": ["here:1", "here:2"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


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
        fakes.write_results(run)
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
        self.assertEqual(lines[-1], f"Everything is in {run.path}.")
        run.report.touch()
        result = self.run_light("train", *flags)
        self.assertEndsWith(result.stdout, "; report.html shows it.\n")

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
                    "--devices=1",
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

    def _train_with_workers(self, *, status=0, **values):
        """Returns what those that Ray places are told, and how it ends."""
        ray_workers = mock.Mock()
        ray_workers.train.return_value = status
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=True),
            mock.patch.object(
                executors, "ray_workers", ray_workers, create=True
            ),
            flagsaver.flagsaver(
                dataset="synthetic10", engine="ray", num_workers=2,
                run_dir=str(self.directory / "run"), **values,
            ),
            self.assertRaises(SystemExit) as ended,
        ):  # fmt: skip
            train.run()
        self.assertEqual(ended.exception.code, status)
        (call,) = ray_workers.train.call_args_list
        return call.args

    def test_what_several_workers_are_told(self):
        job, num_workers, address = self._train_with_workers(
            status=75, ray_address="here:1", epochs=1, devices="2"
        )
        self.assertEqual((num_workers, address), (2, "here:1"))
        self.assertEqual(job.config.epochs, 1)
        self.assertEqual(job.config.run_dir, str(self.directory / "run"))
        self.assertEqual(job.run_flags, ["--devices=2"])

    def test_several_workers_start_over_once(self):
        run = RunDirectory(self.directory / "run")
        run.open(make_config(dataset="synthetic10", seed=3))
        run.close()
        job, *_ = self._train_with_workers(restart=True)
        self.assertFalse(run.is_run())
        self.assertTrue(RunDirectory(self.directory / "run.1").is_run())
        self.assertNotIn("--restart", " ".join(job.arguments(0)))

    def test_several_workers_without_ray(self):
        for flags, message in (
            (["--num_workers=2"], "by srun or with TF_CONFIG"),
            (["--num_workers=0"], "num_workers must be"),
        ):
            self.assert_error(self.run_light("train", *flags), message)

    def test_several_workers_make_no_study(self):
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=True),
            flagsaver.flagsaver(engine="ray", num_workers=2, num_runs=2),
            self.assertRaisesRegex(UserError, "give one of both"),
        ):
            train.run()

    def test_a_worker_starts_none(self):
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=True),
            mock.patch.dict(os.environ, TF_CONFIG=_TF_CONFIG),
            flagsaver.flagsaver(engine="ray", num_workers=2),
            self.assertRaisesRegex(UserError, "several workers already"),
        ):
            train.run()

    def test_without_ray_it_says_how_to_get_it(self):
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=None),
            flagsaver.flagsaver(engine="ray", num_runs=2),
            self.assertRaisesRegex(UserError, r"pip install .*\[ray\]'"),
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

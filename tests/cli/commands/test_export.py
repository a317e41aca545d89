from unittest import mock

from absl.testing import absltest, flagsaver

from cifar10_tf.cli.commands import export
from cifar10_tf.datasets.loading import Examples, ImageDataset
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from tests import cases, fakes


class ExportTest(cases.CommandTestCase):
    """What it refuses; what it writes is in `deployment/exports`."""

    def _complete(self, name="run", **settings):
        run = RunDirectory(self.directory / name)
        run.open(make_config(**({"dataset": "synthetic10"} | settings)))
        fakes.write_results(run)
        run.complete(fakes.SUMMARY)
        return run

    def _assert_refused(self, *arguments, expected):
        result = self.run_light("export", *arguments)
        self.assert_error(result, *expected)

    def test_mistakes_are_found_at_once(self):
        self._assert_refused(expected=["export needs --run_dir=DIRECTORY"])
        self._assert_refused("--run_dir=no", expected=["does not exist"])
        RunDirectory(self.directory / "begun").open(
            make_config(dataset="synthetic10")
        )
        self._assert_refused("--run_dir=begun", expected=["not complete"])
        run = self._complete()
        self._assert_refused(
            "--run_dir=run", "--format=json", expected=["format", "savedmodel"]
        )
        self._assert_refused(
            "--run_dir=run", expected=["synthetic10 is not prepared"]
        )
        (run.path / "export").symlink_to(self.directory)
        self._assert_refused("--run_dir=run", expected=["is no directory of"])
        run.model.write_bytes(b"damaged")
        self._assert_refused("--run_dir=run", expected=["can't be loaded"])

    def test_a_study(self):
        for seed in 1, 2:
            self._complete(f"study/seed{seed}", seed=seed)
        self._assert_refused("--run_dir=study", expected=["a study of several"])

    def test_other_classes(self):
        arrays = Examples(*fakes.random_arrays(2))
        dataset = ImageDataset("nowhere", ("dog", "cat"), arrays, arrays)
        run = self._complete()
        with (
            mock.patch.object(export, "load_prepared", return_value=dataset),
            flagsaver.flagsaver(dataset="cifar10", data_dir=None),
        ):
            with self.assertRaisesRegex(UserError, "another order"):
                export._dataset(run, ("cat", "dog"))
            self.assertIs(export._dataset(run, ("dog", "cat")), dataset)


def _find_spec_of_the_others(name):
    return None if name == "onnx" else name


if __name__ == "__main__":
    absltest.main()

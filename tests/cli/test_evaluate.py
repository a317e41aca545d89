from absl.testing import absltest

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from tests import cases


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
        run.complete({"precision": "float32"})
        result = self.run_light("evaluate", "--run_dir=run")
        self.assert_error(result, "cifar10 is not in", "--data_dir")
        self.assertFalse(elsewhere.exists())

    def test_a_folder_that_is_gone(self):
        run = RunDirectory(self.directory / "run")
        run.open(make_config(dataset=f"folder:{self.directory}/pets"))
        run.complete({"precision": "float32"})
        result = self.run_light("evaluate", "--run_dir=run")
        self.assert_error(result, "pets does not exist")


if __name__ == "__main__":
    absltest.main()

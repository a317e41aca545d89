import shutil
from unittest import mock

from absl.testing import absltest

from cifar10_tf.datasets import image_folder
from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.runs import changed_images
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from tests import cases, fakes


class ChangedImagesTest(cases.CommandTestCase):
    def setUp(self):
        super().setUp()
        self.pets = fakes.write_folder(
            self.directory / "pets",
            {"train/dog": 3, "train/cat": 2, "test/cat": 1},
        )
        self.digest = image_folder.digest(image_folder.find(self.pets))

    def _complete(self, name: str, **settings):
        run = RunDirectory(self.directory / name)
        run.open(make_config(dataset=f"folder:{self.pets}", **settings))
        fakes.write_results(run)
        run.complete(fakes.SUMMARY | {"folder_digest": self.digest})

    def test_a_complete_run_whose_images_have_changed(self):
        self._complete("run")
        for seed in 1, 2:
            self._complete(f"study/seed{seed}", seed=seed)
        flags = ["--dataset=folder:pets", "--run_dir=run"]
        self.assertEqual(self.run_light(*flags).stderr, "")
        (self.pets / "test" / "cat" / "more.png").write_text("")
        result = self.run_light(*flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertStartsWith(
            result.stderr, f"warning: the images in {self.pets} have changed"
        )
        self.assertIn("--restart", result.stderr)
        self.assertIn("test accuracy 25.00%", result.stdout)

        runs = [RunDirectory(self.directory / f"study/seed{i}") for i in (1, 2)]
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            changed_images.warn_of_figures(runs, f"folder:{self.pets}")
        self.assertLen(logs.output, 2)

    def test_a_complete_run_whose_folder_has_moved(self):
        self._complete("run")
        moved = self.pets.rename(self.directory / "elsewhere")
        flags = ["--dataset=folder:elsewhere", "--run_dir=run"]
        result = self.run_light(*flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Nothing left to do", result.stdout)
        (moved / "test" / "cat" / "more.png").write_text("")
        # It could be another folder.
        result = self.run_light(*flags)
        self.assertEqual(result.returncode, 1)
        self.assertIn("run with other settings (dataset:", result.stderr)

    def test_an_evaluation_of_other_images(self):
        with mock.patch.dict("os.environ", self.environment):
            dataset = load_dataset(f"folder:{self.pets}", "")
            moved = self.pets.rename(self.directory / "moved")
            again = load_dataset(f"folder:{moved}", "")
        for then in (
            {},
            {"folder_digest": None},  # it was trained on no folder
            {"folder_digest": self.digest},
        ):
            for now in dataset, again:
                with self.assertNoLogs("cifar10_tf"):
                    changed_images.warn_of_evaluation(then, now)
        shutil.copy(moved / "train/cat/0.png", moved / "train/dog/3.png")
        with mock.patch.dict("os.environ", self.environment):
            changed = load_dataset(f"folder:{moved}", "")
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            changed_images.warn_of_evaluation(then, changed)
        self.assertIn("no longer, those of the training", logs.output[0])


if __name__ == "__main__":
    absltest.main()

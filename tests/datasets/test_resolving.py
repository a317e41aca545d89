import contextlib
import os
import pathlib
from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import preparation
from cifar10_tf.system.errors import UserError
from tests import cases, fakes


class ResolveDatasetTest(cases.MachineTestCase):
    def test_auto_is_cifar10_where_it_is_prepared(self):
        fakes.write_cifar10(self.data_dir, 20, 10)
        with self.assertNoLogs("cifar10_tf"):
            self.assertEqual(resolve_dataset("auto", ""), "cifar10")

    def test_auto_falls_back_with_a_warning(self):
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self.assertEqual(resolve_dataset("auto", ""), "synthetic10")
        self.assertIn("NOT CIFAR-10 results", logs.output[0])
        self.assertIn(str(self.data_dir), logs.output[0])

    def test_auto_does_not_fall_back_where_cifar10_is_damaged(self):
        directory = fakes.write_cifar10(self.data_dir, 20, 10)
        (directory / "dataset_info.json").write_text("")
        with self.assertRaisesRegex(UserError, "are damaged"):
            resolve_dataset("auto", "")

    def test_cifar10_is_strict(self):
        with self.assertRaisesRegex(UserError, "can't be downloaded.*data_dir"):
            resolve_dataset("cifar10", "")

    def test_synthetic10_is_always_there(self):
        self.assertEqual(resolve_dataset("synthetic10", ""), "synthetic10")

    def test_a_data_dir_that_cannot_be_written_is_no_place_to_download(self):
        with (
            mock.patch("tempfile.TemporaryFile", side_effect=OSError(30, "No")),
            mock.patch.object(preparation, "_download_failure") as ask,
            self.assertRaisesRegex(UserError, "can't be written.*--data_dir"),
        ):
            resolve_dataset("cifar10", "")
        ask.assert_not_called()

    def test_a_given_data_dir_wins_over_the_environment(self):
        other = pathlib.Path(self.create_tempdir("other").full_path)
        fakes.write_cifar10(other, 20, 10)
        self.assertEqual(resolve_dataset("cifar10", str(other)), "cifar10")

    def test_an_archive_at_hand_needs_no_network(self):
        manual = self.data_dir / "downloads" / "manual"
        manual.mkdir(parents=True)
        (manual / "cifar-10-binary.tar.gz").touch()
        self.assertEqual(resolve_dataset("cifar10", ""), "cifar10")
        with self.assertRaisesRegex(UserError, "checksum"):
            load_dataset("cifar10", "")

    @parameterized.parameters("cifar_10", "CIFAR10", "cifar-10")
    def test_a_typing_error(self, name):
        with self.assertRaisesRegex(UserError, "did you mean.*cifar10"):
            resolve_dataset(name, "")

    @parameterized.parameters(
        ("cifar100", "CIFAR-100 is not prepared.*cifar-100-binary.tar.gz into"),
        ("mnist", "mnist is not prepared.*can't be downloaded"),
        ("my", "^Unknown dataset 'my'; it is neither prepared"),
        ("cifar_10", "mean cifar10.*[?] It is neither prepared"),
        ("cifar10/red", "no config 'red'.*leave it out"),
        ("eurosat/rbg", "no config 'rbg'; choose from rgb"),
    )
    def test_what_cannot_be_had(self, name, message):
        with self.assertRaisesRegex(UserError, message):
            resolve_dataset(name, "")

    def test_a_folder_is_told_how_it_is_named(self):
        here = self.create_tempdir()
        here.mkdir("pets")
        with (
            contextlib.chdir(here.full_path),
            self.assertRaisesRegex(UserError, "--dataset=folder:pets[.]"),
        ):
            resolve_dataset("pets", "")

    @parameterized.parameters("wikipedia", "imdb_reviews", "coco")
    def test_without_labelled_images_no_network_is_asked(self, name):
        with (
            mock.patch.object(preparation, "_download_failure") as ask,
            self.assertRaisesRegex(UserError, "no dataset of labelled images"),
        ):
            resolve_dataset(name, "")
        ask.assert_not_called()

    def test_all_archives_at_hand_need_no_network(self):
        manual = self.data_dir / "downloads" / "manual"
        manual.mkdir(parents=True)
        (manual / "test_32x32.mat").touch()
        with mock.patch.object(preparation, "_download_failure") as ask:
            ask.return_value = "no network"
            with self.assertRaisesRegex(UserError, "extra_32x32.mat"):
                resolve_dataset("svhn_cropped", "")
            for name in ("train", "extra"):
                (manual / f"{name}_32x32.mat").touch()
            ask.reset_mock()
            resolve_dataset("svhn_cropped", "")
        ask.assert_not_called()

    def test_a_name_that_needs_a_config_gets_the_default_one(self):
        with mock.patch.object(preparation, "obstacle", return_value=None):
            self.assertEqual(resolve_dataset("eurosat", ""), "eurosat/rgb")

    def test_a_relative_path_becomes_absolute(self):
        sizes = {"train/dog": 1, "train/cat": 1, "test/cat": 1}
        root = fakes.write_folder(self.data_dir / "pets", sizes)
        os.symlink(root, self.cache / "link")
        with mock.patch.dict(os.environ, HOME=str(self.cache)):
            resolved = resolve_dataset("folder:~/link", "")
        self.assertEqual(resolved, f"folder:{self.cache}/link")


if __name__ == "__main__":
    absltest.main()

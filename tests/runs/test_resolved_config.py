import dataclasses
import os
import pathlib

from absl.testing import parameterized

from cifar10_tf.runs.resolved_config import resolve_config
from cifar10_tf.settings.config import make_config
from tests import fakes
from tests.cases import MachineTestCase


class ResolveConfigTest(MachineTestCase):
    def test_fills_in_what_is_left_open(self):
        fakes.write_cifar10(self.data_dir, 20, 10)
        config = resolve_config(make_config(seed=7))
        self.assertEqual(config.dataset, "cifar10")
        self.assertEqual(config.data_dir, str(self.data_dir))
        self.assertEqual(config.run_dir, "runs/cifar10-dropout-seed7")
        self.assertEqual(config.settings()["epochs"], 31)

    @parameterized.parameters((1, "seed3"), (4, "seeds-from-3"))
    def test_a_directory_for_one_run_and_for_several(self, num_runs, last):
        config = make_config(dataset="synthetic10", seed=3)
        self.assertEqual(
            resolve_config(config, num_runs).run_dir,
            f"runs/synthetic10-dropout-{last}",
        )

    def test_a_given_directory_and_what_is_resolved_stay(self):
        config = make_config(dataset="synthetic10", run_dir="mine")
        resolved = resolve_config(config)
        self.assertEqual(resolved.run_dir, "mine")
        self.assertEqual(resolve_config(resolved), resolved)

    def test_a_folder_keeps_its_place_wherever_one_goes(self):
        root = pathlib.Path(self.create_tempdir("here").full_path)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(root)
        fakes.write_folder(
            root / "pets",
            {"train/cat": 2, "train/dog": 2, "test/cat": 1, "test/dog": 1},
        )
        config = resolve_config(make_config(dataset="folder:pets"))
        self.assertEqual(config.dataset, f"folder:{root / 'pets'}")
        self.assertEqual(config.run_dir, "runs/folder-pets-dropout-seed1")
        os.chdir("/")
        self.assertEqual(dataclasses.replace(config), resolve_config(config))

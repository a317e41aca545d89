import os
import pathlib

from absl.testing import absltest, parameterized

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.sweeps.sweep_directory import SweepDirectory
from cifar10_tf.system.errors import UserError


class SweepDirectoryTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "sweep"
        self.directory = SweepDirectory(self.path)

    def test_one_process_at_a_time(self):
        with (
            self.directory.taken(),
            self.assertRaisesRegex(UserError, "another process"),
            SweepDirectory(self.path).taken(),
        ):
            pass
        with SweepDirectory(self.path).taken():
            pass
        self.assertEmpty(os.listdir(self.path))

    @parameterized.parameters("thesis.txt", "seed1", "trial01", "study.json")
    def test_something_else_is_left_alone(self, name):
        self.path.mkdir()
        (self.path / name).touch()
        with (
            self.assertRaisesRegex(UserError, f"{name} is not of a sweep"),
            self.directory.taken(),
        ):
            pass
        self.assertEqual(os.listdir(self.path), [name])

    def test_a_run_is_no_place_for_a_sweep(self):
        RunDirectory(self.path).open(make_config(dataset="synthetic10"))
        with (
            self.assertRaisesRegex(UserError, "holds a run"),
            self.directory.taken(),
        ):
            pass

    def test_what_a_killed_process_leaves(self):
        self.path.mkdir()
        journal = self.directory.journal
        journal.write_text('{"a": 1}\n{"b": ')
        os.symlink(journal, f"{journal}.lock")
        os.symlink(journal, f"{journal}.lock0-1.rename")
        with self.directory.taken():
            self.directory.mend_journal()
        self.assertEqual(os.listdir(self.path), [journal.name])
        self.assertEqual(journal.read_text(), '{"a": 1}\n')


if __name__ == "__main__":
    absltest.main()

import pathlib

from absl.testing import absltest

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError


class CheckTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path)
        self.study = StudyDirectory(self.path)

    def _refused(self, name: str):
        return self.assertRaisesRegex(UserError, f"/{name} is not of a study")

    def _begin_run(self):
        run = RunDirectory(self.path / "seed1")
        run.open(make_config(dataset="synthetic10"))
        run.close()
        return run

    def test_what_is_nobodys_run_is_left_alone(self):
        for name in "thesis.txt", ".git", "seed01", "study.json", "study.txt":
            (self.path / name).touch()
            with self._refused(name):
                self.study.check()
            (self.path / name).unlink()

    def test_what_an_earlier_study_has_left_is_no_obstacle(self):
        for name in ".new-study.json", "study.json.1", "study.png.12":
            (self.path / name).touch()
        (self.path / "seed7").mkdir()
        self.study.check()
        StudyDirectory(self.path / "new").check()

    def test_notes_on_a_study_are_no_obstacle(self):
        run = self._begin_run()
        (self.path / "notes.txt").touch()
        self.study.check()
        run.set_aside()
        self.study.check()
        (self.path / "study.png").touch()
        with self._refused("study.png"):
            self.study.check()


if __name__ == "__main__":
    absltest.main()

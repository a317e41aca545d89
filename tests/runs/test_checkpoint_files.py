import pathlib

from absl.testing import absltest

from cifar10_tf.runs import checkpoint_files


def _name(step: int) -> str:
    return f"step-{step:08}-{'0a' * 16}.zip"


class CheckpointFilesTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def _make(self, *names: str) -> None:
        for name in names:
            (self.directory / name).write_text("content")

    def _names(self) -> list[str]:
        return [path.name for path in self.directory.iterdir()]

    def test_the_last_step_comes_first(self):
        self._make(_name(3), _name(20), _name(100_000_000), "step-4.zip")
        steps = map(
            checkpoint_files.step_of, checkpoint_files.find(self.directory)
        )
        self.assertEqual(list(steps), [100_000_000, 20, 3])

    def test_a_damaged_one_is_not_found_any_more(self):
        self._make(_name(3))
        checkpoint_files.mark_damaged(self.directory / _name(3))
        self.assertEmpty(checkpoint_files.find(self.directory))
        self.assertEqual(self._names(), [f"{_name(3)}.damaged"])

    def test_what_was_being_written_is_removed(self):
        self._make(_name(3), f".new-{_name(4)}", ".new-step-by-step.txt")
        checkpoint_files.remove_unfinished(self.directory)
        self.assertCountEqual(
            self._names(), [_name(3), ".new-step-by-step.txt"]
        )

    def test_all_of_ours_are_removed_and_nothing_else(self):
        theirs = ["my_best_model.h5", "step-by-step.zip", "step-1.zip"]
        self._make(_name(3), f"{_name(4)}.damaged", f".new-{_name(5)}", *theirs)
        checkpoint_files.remove_all(self.directory)
        self.assertCountEqual(self._names(), theirs)

    def test_what_is_no_file_is_left_alone(self):
        theirs = [f"{_name(3)}.damaged", f".new-{_name(4)}"]
        for name in theirs:
            (self.directory / name).mkdir()
        self._make(_name(5))
        checkpoint_files.remove_all(self.directory)
        self.assertCountEqual(self._names(), theirs)

    def test_an_empty_directory_goes(self):
        self._make(_name(3))
        checkpoint_files.remove_all(self.directory)
        self.assertFalse(self.directory.exists())
        checkpoint_files.remove_all(self.directory)


if __name__ == "__main__":
    absltest.main()

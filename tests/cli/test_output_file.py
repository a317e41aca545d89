import pathlib

from absl.testing import absltest

from cifar10_tf.cli import output_file
from cifar10_tf.deployment.metadata import LABELS
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.system.errors import UserError

# What --output can be a name of.
_SUFFIXES = {".json", ".html", ".txt", ".csv"}


class CheckedTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def test_what_a_run_has_is_not_written_over(self):
        paths = [
            path
            for of in (RunDirectory, StudyDirectory)
            for path in vars(of(self.directory)).values()
            if isinstance(path, pathlib.Path) and path.suffix in _SUFFIXES
        ]
        names = {path.name for path in paths} | {"export.json", LABELS}
        self.assertContainsSubset({"corruptions.json", "study.html"}, names)
        for name in names:
            path = self.directory / name
            # Nobody's, as long as there is none.
            output_file.checked(str(path), path.suffix)
            path.touch()
            with self.assertRaisesRegex(UserError, "is a run's own"):
                output_file.checked(str(path), path.suffix)

    def test_an_earlier_file_is_kept(self):
        path = self.directory / "result.json"
        output_file.keep_earlier(path)
        self.assertEmpty(list(self.directory.iterdir()))
        for text in "mine", "yours":
            path.write_text(text)
            with self.assertLogs("cifar10_tf", "INFO"):
                output_file.keep_earlier(path)
        kept = {p.name: p.read_text() for p in self.directory.iterdir()}
        self.assertEqual(
            kept, {"result.json.1": "mine", "result.json.2": "yours"}
        )

    def test_another_file_may_be_there(self):
        path = self.directory / "result.json"
        path.touch()
        self.assertEqual(output_file.checked(str(path), ".json"), path)
        self.assertIsNone(output_file.checked("", ".json"))


if __name__ == "__main__":
    absltest.main()

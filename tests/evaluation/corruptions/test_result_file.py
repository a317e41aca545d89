import json
import os

from absl.testing import absltest, parameterized

from cifar10_tf.evaluation.corruptions import result_file
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError
from tests.report.run_directories import CORRUPTIONS

_SUMMARY = {
    "model": "dropout",
    "dataset": "cifar10",
    "seed": 1,
    "num_test_examples": 60,
}
_RESULT = {
    "model": "dropout",
    "dataset": "cifar10",
    "seed": 1,
    "split": "test",
    "num_images": 60,
    "corruptions": CORRUPTIONS,
}


class ResultFileTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = RunDirectory(self.create_tempdir().full_path)

    def test_an_earlier_result_is_replaced(self):
        self.assertIsNone(result_file.read(self.run_dir, _SUMMARY))
        for loss in 1, 2:
            result = _RESULT | {"loss": loss}
            result_file.write(self.run_dir, result)
            self.assertEqual(result_file.read(self.run_dir, _SUMMARY), result)

    @parameterized.parameters("", "mine", "{}", "[]", '{"corruptions": 1}')
    def test_what_is_somebody_elses_is_kept(self, text):
        self.run_dir.corruptions.write_text(text)
        with self.assertRaisesRegex(UserError, "no result of ours"):
            result_file.write(self.run_dir, _RESULT)
        with self.assertRaisesRegex(UserError, "no result of ours"):
            result_file.read(self.run_dir, _SUMMARY)
        self.assertEqual(self.run_dir.corruptions.read_text(), text)

    def test_a_link_that_leads_nowhere_is_kept(self):
        self.run_dir.corruptions.symlink_to("nowhere")
        with self.assertRaisesRegex(UserError, "no result of ours"):
            result_file.write(self.run_dir, _RESULT)
        self.assertTrue(self.run_dir.corruptions.is_symlink())

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.run_dir.corruptions)
        with self.assertRaisesRegex(UserError, "no result of ours"):
            result_file.read(self.run_dir, _SUMMARY)

    @parameterized.parameters(
        {"accuracy": {}},
        {"accuracy": {"fog": [0.7], "shot_noise": [0.6, 0.2]}},
        {"accuracy": {"fog": [0.7, 1.5], "shot_noise": [0.6, 0.2]}},
        {"accuracy": {"fog": [0.7, None], "shot_noise": [0.6, 0.2]}},
        {"mean_accuracy_ci95": [0.4]},
        {"severities": [1, 2, 3]},
        {"sources": {"fog": "computed"}},
        {"sources": {"fog": [], "shot_noise": "computed"}},
        {"source": None},
    )
    def test_tables_that_are_damaged(self, **change):
        result = _RESULT | {"corruptions": CORRUPTIONS | change}
        self.run_dir.corruptions.write_text(json.dumps(result))
        with self.assertRaisesRegex(UserError, "is damaged"):
            result_file.read(self.run_dir, _SUMMARY)

    @parameterized.parameters(
        {"seed": 2}, {"dataset": "x"}, {"split": "train"}, {"num_images": 9}
    )
    def test_of_other_images_or_another_run(self, **change):
        result_file.write(self.run_dir, _RESULT | change)
        with self.assertRaisesRegex(UserError, "of another run"):
            result_file.read(self.run_dir, _SUMMARY)


if __name__ == "__main__":
    absltest.main()

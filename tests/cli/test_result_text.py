import copy

from absl.testing import absltest

from cifar10_tf.cli.result_text import (
    describe_evaluation,
    describe_mean,
    describe_result,
)
from tests.report import run_directories

_SUMMARY = {
    "model": "dropout",
    "dataset": "cifar10",
    "seed": 3,
    "test_accuracy": 0.75,
    "test_accuracy_ci95": [0.7, 0.8],
    "test_loss": 0.51234,
    "per_class_accuracy": {"cat": 0.5, "giraffe": None},
}


class DescribeResultTest(absltest.TestCase):
    def test_a_line_for_all_and_one_for_each_class(self):
        self.assertEqual(
            describe_result(_SUMMARY),
            "dropout on CIFAR-10, seed 3: test accuracy 75.00% (95 % interval "
            "70.00% to 80.00%), loss 0.512\n"
            "  cat      50.0%\n"
            "  giraffe  no test images",
        )

    def test_with_test_time_augmentation(self):
        with_tta = _SUMMARY | {
            "test_accuracy_tta": 0.76,
            "test_accuracy_tta_ci95": [0.71, 0.81],
        }
        self.assertEqual(
            describe_result(with_tta).splitlines()[-1],
            "With test-time augmentation: test accuracy 76.00% (95 % interval "
            "71.00% to 81.00%)",
        )

    def test_of_another_dataset_and_split(self):
        text = describe_evaluation(
            {
                "model": "dropout",
                "dataset": "folder:x",
                "trained_on": "cifar10",
                "split": "train",
                "seed": 3,
                "accuracy": 0.75,
                "accuracy_ci95": [0.7, 0.8],
                "loss": 0.5,
                "per_class_accuracy": {"cat": None},
            }
        )
        self.assertEqual(
            text,
            "dropout, trained on CIFAR-10, on folder x, seed 3: training "
            "accuracy 75.00% (95 % interval 70.00% to 80.00%), loss 0.500\n"
            "  cat  no train images",
        )

    def test_corruptions(self):
        corruptions = copy.deepcopy(run_directories.CORRUPTIONS)
        summary = _SUMMARY | {"corruptions": corruptions}
        self.assertEqual(
            describe_result(summary).splitlines()[-6:],
            [
                "Accuracy on corrupted test images (made here, by the "
                "published definitions), %:",
                "  severity        1      2   mean",
                "  fog          70.0   50.0   60.0",
                "  shot_noise   60.0   20.0   40.0",
                "  mean         65.0   35.0   50.0",
                "Mean corruption accuracy 50.00% (95 % interval 40.00% to "
                "60.00%) over 2 types at 2 severities",
            ],
        )
        corruptions["source"] = "computed and tfds"
        corruptions["sources"]["fog"] = "tfds"
        lines = describe_result(summary).splitlines()
        self.assertEndsWith(lines[-4], "60.0  tfds")
        self.assertEndsWith(lines[-3], "40.0  computed")


class DescribeMeanTest(absltest.TestCase):
    def test_has_an_interval_where_it_means_something(self):
        self.assertEqual(
            describe_mean([0.5, 0.6]), "Mean of 2 runs: accuracy 55.00%"
        )
        # Student's: 0.6 and 4.303 * 0.1 / sqrt(3) either way.
        self.assertEqual(
            describe_mean([0.5, 0.6, 0.7]),
            "Mean of 3 runs: accuracy 60.00% (95 % interval of the mean "
            "35.16% to 84.84%)",
        )


if __name__ == "__main__":
    absltest.main()

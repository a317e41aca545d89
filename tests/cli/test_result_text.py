from absl.testing import absltest

from cifar10_tf.cli.result_text import describe_result

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


if __name__ == "__main__":
    absltest.main()

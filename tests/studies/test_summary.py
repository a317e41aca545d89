from absl.testing import absltest

from cifar10_tf.evaluation.statistics import mean_and_interval
from cifar10_tf.studies.summary import summarize, table


def _summary_of_run(seed, **values):
    return {
        "dataset": "cifar10", "model": "dropout", "seed": seed,
        "test_accuracy": seed / 100, "validation_accuracy": None,
        "train_sec": 9.5, "total_sec": 11.0, "versions": {"python": "3"},
        "hardware": {"cpu": "abacus"},
    } | values  # fmt: skip


class SummarizeTest(absltest.TestCase):
    def test_what_the_runs_have_is_summarized(self):
        summary = summarize([_summary_of_run(seed) for seed in (4, 5, 6)])
        self.assertEqual(summary["seeds"], [4, 5, 6])
        self.assertEqual(summary["num_runs"], 3)
        self.assertEqual(
            list(summary["metrics"]),
            ["test_accuracy", "train_sec", "total_sec"],
        )
        self.assertEqual(
            summary["metrics"]["test_accuracy"],
            mean_and_interval([0.04, 0.05, 0.06]),
        )

    def test_other_metrics_of_other_runs(self):
        summary = summarize(
            [
                _summary_of_run(
                    seed, test_accuracy_tta=0.5, validation_accuracy=0.25
                )
                for seed in (1, 2)
            ]
        )
        metrics = summary["metrics"]
        self.assertEqual(metrics["test_accuracy_tta"]["mean"], 0.5)
        self.assertEqual(metrics["validation_accuracy"]["mean"], 0.25)

    def test_each_machine_is_named_once(self):
        summary = summarize(
            [
                _summary_of_run(seed, hardware={"cpu": cpu})
                for seed, cpu in enumerate("abab")
            ]
        )
        self.assertEqual(summary["hardware"], [{"cpu": "a"}, {"cpu": "b"}])
        self.assertEqual(summary["versions"], [{"python": "3"}])


class TableTest(absltest.TestCase):
    def test_table(self):
        summary = {
            "dataset": "cifar10", "model": "dropout", "seeds": [1, 2],
            "metrics": {
                "test_accuracy_tta": mean_and_interval([0.75, 0.77]),
                "train_sec": mean_and_interval([60.0, 61.0]),
            },
        }  # fmt: skip
        title, _, accuracy, sec = table(summary).splitlines()
        self.assertEqual(title, "dropout on CIFAR-10: 2 runs, seeds 1 to 2")
        self.assertRegex(accuracy, r"TTA +76.00% +1.41% .* 75.00% to 77.00%$")
        self.assertIn("from 3 runs on", accuracy)
        self.assertRegex(sec, r"seconds of training +60.5 +0.7 ")

    def test_an_interval_takes_three_runs(self):
        summary = {
            "dataset": "cifar10", "model": "dropout", "seeds": [1, 2, 3],
            "metrics": {"train_sec": mean_and_interval([60.0, 61.0, 62.0])},
        }  # fmt: skip
        self.assertRegex(table(summary), r"61.0 +1.0 +58.5 to 63.5 ")


if __name__ == "__main__":
    absltest.main()

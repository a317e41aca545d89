import importlib.util
import pathlib

from absl.testing import absltest

_DOCS = pathlib.Path(__file__).parents[2] / "docs"
_SPEC = importlib.util.spec_from_file_location("results", _DOCS / "results.py")
results = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(results)


def _row(case, subject, metric, median, lowest=0.0, highest=0.0, n=1):
    return {
        "case": case,
        "subject": subject,
        "metric": metric,
        "median": median,
        "min": lowest,
        "max": highest,
        "n": n,
    }


_ROWS = [
    _row(
        "original, CIFAR-10", "cifar10_tf", "train_sec", 1089.6, 1082, 1093, 3
    ),
    _row("original, CIFAR-10", "cifar10_tf", "test_accuracy", 0.7546),
    _row("original, CIFAR-10", "cifar10_tf", "train_sec_to_0.755", 98.76),
    _row("speedrun_m, CIFAR-10", "torch_muon", "train_sec", 800.4),
    _row("speedrun_m, CIFAR-10", "torch_muon", "test_accuracy", 0.8949),
    _row("speedrun_m, CIFAR-10", "torch_muon", "test_accuracy_tta", 0.9061),
    _row("torch_muon / speedrun_m, CIFAR-10", "cifar10_tf", "ratio", 1.2649),
    _row(
        "torch_muon / speedrun_m, CIFAR-10",
        "cifar10_tf",
        "test_accuracy_difference",
        -0.00111,
    ),
    _row("original to 0.755 / speedrun_s, CIFAR-10", "cifar10_tf", "ratio", 70),
    _row(
        "original to 0.755 / speedrun_s, CIFAR-10",
        "cifar10_tf",
        "test_accuracy_difference",
        0.0121,
    ),
    _row("speedrun_s, synthetic10", "cifar10_tf", "train_sec", 1.0),
    _row("speedrun_s, synthetic10", "cifar10_tf", "test_accuracy", 1.0),
]


class ResultsTest(absltest.TestCase):
    def test_the_readme_says_what_was_measured(self):
        text = results.README.read_text("utf-8")
        self.assertEqual(
            text,
            results.with_tables(text),
            "python docs/results.py writes the tables anew",
        )
        for name in "trainings", "comparisons":
            self.assertIn(f"<!-- {name} -->\n|", text)

    def test_a_line_for_each_training_that_there_is(self):
        text = "before\n<!-- trainings -->\n| wrong |\n<!-- end -->\nafter"
        first, mark, _, _, *lines, end, last = results.with_tables(
            text, _ROWS
        ).splitlines()
        self.assertEqual((first, last), ("before", "after"))
        self.assertEqual((mark, end), ("<!-- trainings -->", "<!-- end -->"))
        self.assertEqual(
            lines,
            [
                "| original recipe (`dropout`, float32) | 3 "
                "| 1,090 (1,082 to 1,093) | 75.5 |  |",
                "| the same, until validation first shows 75.5 % | 1 | 98.8 "
                "|  |  |",
                "| Muon recipe tuned for a CPU, in PyTorch | 1 | 800 | 89.5 "
                "| 90.6 |",
            ],
        )

    def test_a_line_for_each_comparison(self):
        text = "<!-- comparisons -->\n<!-- end -->"
        *_, first, second, _ = results.with_tables(text, _ROWS).splitlines()
        self.assertEqual(
            first,
            "| Muon recipe tuned for a CPU, in PyTorch / `speedrun_m` | 1 "
            "| 1.26 | -0.11 |",
        )
        self.assertEqual(
            second,
            "| original recipe (`dropout`, float32) until 75.5 % "
            "/ `speedrun_s` | 1 | 70 | +1.21 against 75.5 % |",
        )


if __name__ == "__main__":
    absltest.main()

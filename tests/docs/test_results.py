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
        for name in results._TABLES:
            self.assertIn(f"<!-- {name} -->\n|", text)
        for benchmark, _ in results._TABLES.values():
            self.assertIn(f"<!-- machine of {benchmark} -->\nMedians", text)

    def test_a_line_for_each_training_that_there_is(self):
        text = "before\n<!-- trainings -->\n| wrong |\n<!-- end -->\nafter"
        first, mark, _, _, *lines, end, last = _lines(text, _ROWS)
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
        *_, first, second, _ = _lines(text, _ROWS)
        self.assertEqual(
            first,
            "| Muon recipe tuned for a CPU, in PyTorch / `speedrun_m` | 1 "
            "| 1.26 | -0.11 |",
        )
        self.assertEqual(
            second,
            "| original recipe (`dropout`, float32) until 75.5 % "
            "/ `speedrun_s` | 1 | 70.0 | +1.21 against 75.5 % |",
        )

    def test_a_line_for_each_pipeline_with_a_bar(self):
        rows = [
            _row("none", "cifar10_tf", "images_per_sec", 1000),
            _row("none", "memcpy", "images_per_sec", 3000),
            _row("flip+crop", "cifar10_tf", "images_per_sec", 800.4),
            _row("flip+crop", "grain_loader", "images_per_sec", 200),
        ]
        _, head, _, *lines, _ = _lines("<!-- pipelines -->\n<!-- end -->", rows)
        self.assertEndsWith(head, "| none | flip+crop | |")
        self.assertEqual(
            lines,
            [
                f"| **this project** | 1,000 | 800 | {20 * '█'} |",
                "| (copying the bytes of the batch) | 3,000 |  |  |",
                "| Grain |  | 200 | █████ |",
            ],
        )

    def test_ratios_of_pipelines_are_by_case(self):
        ratio = "cifar10_tf", "ratio"
        rows = [
            _row("none: cifar10_tf / memcpy", *ratio, 0.5, 0.4, 0.625, 7),
            _row("full: cifar10_tf / best peer (grain_loader)", *ratio, 3),
        ]
        text = "<!-- pipeline ratios -->\n<!-- end -->"
        _, head, _, best, *_, memcpy, _ = _lines(text, rows)
        self.assertEndsWith(head, "| none | full |")
        self.assertEqual(best, "| fastest of what people use |  | 3.00 |")
        self.assertEndsWith(memcpy, "| 0.500 (0.400 to 0.625) |  |")

    def test_steps_are_in_both_precisions(self):
        share = "cifar10_tf", "fraction_of_matmul_peak"
        rows = [
            _row("dropout, float32, batch 64", *share, 0.1),
            _row("dropout, float32, batch 256", *share, 0.8),
            _row("dropout, mixed_bfloat16, batch 256", *share, 0.7),
            _row("resnet20, float32, batch 256", *share, 0.6),
        ]
        *_, first, second, _ = _lines("<!-- steps -->\n<!-- end -->", rows)
        self.assertEqual(first, "| `dropout` | 0.800 | 0.700 |")
        self.assertEqual(second, "| `resnet20` | 0.600 |  |")

    def test_it_says_where_figures_are_from(self):
        text = "<!-- machine of train_step -->\n<!-- end -->"
        rows = [_row("a", "b", "c", 1, n=3), _row("a", "b", "d", 1, n=10)]
        self.assertEqual(
            _lines(text, rows)[1],
            "Medians (lowest to highest), n up to 10, on 2 cores of A Maker, "
            "at commit 0123456; "
            "[all figures](benchmarks/results/train_step.md).",
        )


def _lines(text, rows):
    """Returns the document's lines if all benchmarks had these rows."""
    names = {benchmark for benchmark, _ in results._TABLES.values()}
    found = {
        name: {
            "benchmark": name,
            "commit": "0123456789ab",
            "hardware": {"num_cpus": 2, "cpu": "A Maker"},
            "rows": rows,
        }
        for name in names
    }
    return results.with_tables(text, found).splitlines()


if __name__ == "__main__":
    absltest.main()

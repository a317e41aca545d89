import dataclasses
import json
import pathlib
import re

import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.evaluation import significance
from cifar10_tf.report import comparison, comparison_page, comparison_text
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError
from tests import fakes
from tests.cases import MachineTestCase
from tests.report import run_directories

_LABELS = np.arange(2000) % 3


class ComparisonTestCase(MachineTestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir("runs").full_path)

    def _run(self, name, accuracy=0.7, seed=0, labels=_LABELS, **kwargs):
        return run_directories.write(
            self.path / name,
            labels,
            run_directories.random_predictions(
                labels, accuracy=accuracy, seed=seed
            ),
            **kwargs,
        )

    def _study(self, name, accuracy, seeds=(1, 2, 3)):
        for seed in seeds:
            self._run(f"{name}/seed{seed}", accuracy + seed / 500, seed)
        return RunDirectory(self.path / name)

    def _page(self, found):
        path = self.path / "page.html"
        images, _ = fakes.random_arrays(len(_LABELS))
        comparison_page.write(path, found, images)
        # Its text alone, for messages that can be read.
        body = path.read_text("utf-8").partition("<body>")[2]
        return body.partition("<script>")[0]


class ComparisonTest(ComparisonTestCase):
    def test_a_difference_is_shown(self):
        worse, better = self._run("worse", 0.6), self._run("better", 0.8, 1)
        found = comparison.read([worse, better])
        (verdict,) = found.verdicts
        self.assertTrue(verdict.is_shown)
        self.assertStartsWith(verdict.text, "better is better than worse: ")
        (verdict,) = comparison.read([better, worse]).verdicts
        self.assertStartsWith(verdict.text, "better is better than worse: ")

    def test_none_is_claimed_where_none_is_shown(self):
        found = comparison.read([self._run("a"), self._run("b", seed=1)])
        self.assertRegex(
            found.verdicts[0].text,
            r"^a and b: no difference shown: \d+ against \d+ of the "
            r"disagreements, p = 0\.\d+\.$",
        )

    def test_one_and_the_same_predictions(self):
        found = comparison.read([self._run("a"), self._run("b")])
        self.assertIn("0 against 0", found.verdicts[0].text)
        self.assertIn("There are none.", self._page(found))

    def test_settings_that_differ_and_only_those(self):
        found = comparison.read(
            [self._run("a", epochs=3), self._run("b", epochs=5, seed=1)]
        )
        self.assertEqual(found.differing_settings, {"epochs": [3, 5]})

    def test_what_two_machines_make_different(self):
        of_one, of_other = (
            {"precision": precision, "hardware": {"cpu": cpu, "gpus": []}}
            for precision, cpu in (("float32", "old"), ("mixed_float16", "new"))
        )
        one = self._run("a", precision="auto", summary=of_one)
        other = self._run("b", precision="auto", seed=1, summary=of_other)
        found = comparison.read([one, other])
        self.assertEqual(
            found.differing_settings,
            {"precision": ["float32", "mixed_float16"]},
        )
        self.assertIn("different machines", found.remarks[-1])
        found = comparison.read([one, self._run("c", summary=of_one)])
        self.assertNotIn("different machines", " ".join(found.remarks))

    def test_the_gap_tells_of_overfitting(self):
        overfitted = {"train_accuracy": 0.97, "validation_accuracy": 0.72}
        found = comparison.read(
            [self._run("a", summary=overfitted), self._run("b", seed=1)]
        )
        self.assertEqual(
            found.remarks[0],
            "a: 97.0% in training, 72.0% on validation: 25.0 points more in "
            "training.",
        )
        self.assertIn("gap", comparison_text.describe(found))

    def test_counts_are_in_the_order_of_the_names(self):
        one, other = self._run("one", 0.7), self._run("other", 0.8, seed=1)
        for pair in [one, other], [other, one]:
            (verdict,) = comparison.read(pair).verdicts
            more, less = map(
                int, re.findall(r"(\d+) against (\d+)", verdict.text)[0]
            )
            self.assertGreater(more, less)
            unsure = dataclasses.replace(verdict, p=0.5)
            first, second, _ = verdict.numbers
            self.assertIn(f"{first} against {second}", unsure.text)
        welch = significance.Welch(-0.015, (-0.04, 0.01), 0.3)
        verdict = comparison.Verdict("one", "other", 0.3, welch, 1)
        self.assertStartsWith(
            verdict.text,
            "one and other: no difference shown: one has 1.50 points more in "
            "the mean, 95 % interval -1.00 to 4.00",
        )

    def test_three_are_corrected_for(self):
        found = comparison.read(
            [self._run(f"run{i}", seed=i) for i in range(3)]
        )
        self.assertLen(found.verdicts, 3)
        self.assertIn("by Holm for 3 pairs", found.verdicts[0].text)
        self.assertIn("Right for some alone", self._page(found))

    def test_studies(self):
        found = comparison.read(
            [self._study("worse", 0.6), self._study("better", 0.75)]
        )
        (verdict,) = found.verdicts
        self.assertRegex(
            verdict.text,
            r"better is better than worse: \d+\.\d+ points more in the mean, ",
        )
        self.assertIn("Means over seeds", comparison_text.describe(found))
        self.assertIn("compared on the same 2,000", self._page(found))
        # However they are given.
        turned = comparison.Comparison(found.subjects[::-1])
        self.assertEqual(turned.verdicts[0].text, verdict.text)

    def test_two_runs_tell_no_interval(self):
        found = comparison.read(
            [self._study(name, 0.6, seeds=(1, 2)) for name in ("one", "two")]
        )
        self.assertIn("from 3 runs on", comparison_text.describe(found))
        headings, *rows = comparison_text.table(found)
        column = headings.index("runs")
        self.assertEqual([row[column] for row in rows], ["2", "2"])
        for subject in found.to_dict()["subjects"]:
            self.assertIsNone(subject["test_accuracy_ci95"])

    def test_an_unfinished_run_of_a_study_is_said_to_be(self):
        study = self._study("study", 0.6, seeds=[1])
        (study.path / "seed1" / "summary.json").unlink()
        with self.assertRaisesRegex(UserError, "not complete"):
            comparison.read([study, self._study("other", 0.6)])

    def test_without_validation(self):
        found = comparison.read(
            [
                self._run("a", validated=False),
                self._run("b", seed=1, validated=False),
            ]
        )
        self.assertEmpty(found.remarks)
        self.assertNotIn("validation", comparison_text.describe(found))
        self._page(found)

    def test_names_are_told_apart_and_are_text(self):
        found = comparison.read(
            [self._run("x/<b>run", seed=1), self._run("y/<b>run")]
        )
        names = [subject.name for subject in found.subjects]
        self.assertEqual(names, ["x/<b>run", "y/<b>run"])
        self.assertNotIn("<b>", self._page(found))
        self.assertNotIn("<b>", comparison_page.to_html(found))

    def test_json_holds_it(self):
        for directories in (
            [self._run("a"), self._run("b", seed=1)],
            [self._study("one", 0.6), self._study("two", 0.7)],
        ):
            found = comparison.read(directories)
            content = json.loads(json.dumps(found.to_dict()))
            self.assertLen(content["subjects"], 2)
            self.assertEqual(
                content["verdicts"][0]["text"], found.verdicts[0].text
            )

    @parameterized.parameters(
        ({"labels": _LABELS[:30]}, "their test images differ"),
        ({"labels": (_LABELS + 1) % 3}, "their test images differ"),
        ({"class_names": ("x", "y", "z")}, "their test images differ"),
    )
    def test_other_data_are_refused(self, other, message):
        directories = [self._run("a"), self._run("b", **other)]
        with self.assertRaisesRegex(UserError, message):
            comparison.read(directories)

    def test_what_can_not_be_compared(self):
        run, study = self._run("run"), self._study("study", 0.6)
        single = self._study("single", 0.6, seeds=[1])
        for directories, message in (
            ([run], "two directories"),
            ([run, run], "twice"),
            ([run, RunDirectory(run.path / "plots/..")], "twice"),
            ([run, study], "one of each"),
            ([single, study], "only one complete run"),
            ([run, RunDirectory(self.path / "nowhere")], "does not exist"),
        ):
            with self.assertRaisesRegex(UserError, message):
                comparison.read(directories)


if __name__ == "__main__":
    absltest.main()

"""Pages of runs: what is on them, and that nobody's script runs."""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import unittest

import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.report import report, run_contents, svg_charts
from cifar10_tf.runs import predictions_file
from cifar10_tf.system.errors import UserError
from tests import fakes
from tests.cases import CommandTestCase, MachineTestCase
from tests.report import run_directories

_CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class _Page(html.parser.HTMLParser):
    """The text, the tags with their attributes, and the scripts of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.text, self.scripts = [], "", []
        self._open = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            self.scripts.append(data)
        elif inside != "style":
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [a[attribute] for _, a in self.tags if attribute in a]


class ReportTestCase(MachineTestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir("runs").full_path) / "run"

    def _write(self, num_examples=60, num_classes=3, images=True, **kwargs):
        """Returns the page of a run with these many images and classes."""
        names = kwargs.pop(
            "class_names", tuple(f"class{i}" for i in range(num_classes))
        )
        pixels, labels = fakes.random_arrays(num_examples, num_classes)
        predictions = kwargs.pop(
            "probabilities",
            run_directories.random_predictions(labels, num_classes),
        )
        directory = run_directories.write(
            self.path, labels, predictions, class_names=names, **kwargs
        )
        contents = run_contents.read(directory)
        report.write(contents, pixels if images else None)
        self.html = directory.report.read_text("utf-8")
        return _Page(self.html)


class ReportTest(ReportTestCase):
    def test_headline(self):
        page = self._write()
        summary = json.loads((self.path / "summary.json").read_text())
        self.assertIn(f"{summary['test_accuracy']:.1%}", page.text)
        self.assertIn("60 test images", page.text)
        self.assertIn("95 % interval", page.text)
        self.assertNotIn("synthetic10", page.text)

    def test_the_substitute_is_unmistakable(self):
        page = self._write(dataset="synthetic10")
        self.assertIn("Not CIFAR-10.", page.text)

    def test_it_needs_nothing_else(self):
        page = self._write()
        for attribute in "src", "href":
            for value in page.values(attribute):
                self.assertNotRegex(value, "^(https?:)?//")
        self.assertNotRegex(self.html, r"url\((?!data:)|@import")
        (policy,) = (v for v in page.values("content") if "script-src" in v)
        self.assertIn("default-src 'none'", policy)
        self.assertLen(page.scripts, 1)

    def test_every_file_is_linked(self):
        (self.path / "checkpoints").mkdir(parents=True)
        (self.path / "checkpoints" / "step-1.zip").touch()
        page = self._write()
        links = [v for v in page.values("href") if v[0] not in "#d"]
        self.assertCountEqual(
            links,
            ["config.json", "metrics.jsonl", "plots/samples.png"]
            + ["summary.json", "test_predictions.npz"],
        )

    def test_every_picture_has_a_text(self):
        page = self._write()
        for tag, attributes in page.tags:
            if tag == "img":
                self.assertTrue(attributes["alt"])
            if tag == "svg" or attributes.get("role") == "img":
                self.assertTrue(attributes["aria-label"])
        headings = [int(t[1]) for t, _ in page.tags if re.match(r"h\d", t)]
        self.assertEqual(headings[0], 1)
        self.assertLessEqual(max(np.diff(headings)), 1)

    def test_every_cell_opens_its_images(self):
        page = self._write()
        contents = run_contents.read(run_contents.RunDirectory(self.path))
        (cells,) = map(json.loads, page.values("data-cells"))
        for (true, said), count in np.ndenumerate(contents.confusion):
            self.assertLen(cells.get(f"{true},{said}", []), min(count, 24))
        buttons = page.values("data-cell")
        self.assertContainsSubset(buttons, cells)

    def test_values_are_there_for_the_pointer(self):
        page = self._write()
        accuracy, *_ = map(json.loads, page.values("data-readouts"))
        self.assertEqual(
            accuracy[1], "epoch 2: training 40.00%, validation 38.00%"
        )

    def test_names_are_text(self):
        names = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "c'&")
        page = self._write(class_names=names)
        self.assertLen(page.scripts, 1)
        self.assertNotIn("onerror", {k for _, a in page.tags for k in a})
        for name in names:
            self.assertIn(name, page.text)
        self.assertEqual(json.loads(page.values("data-names")[0]), list(names))

    @parameterized.parameters(2, 20, 21, 200)
    def test_any_number_of_classes(self, num_classes):
        page = self._write(800, num_classes)
        has_counts = any(a.get("class") == "matrix" for _, a in page.tags)
        self.assertEqual(has_counts, num_classes <= 20)
        self.assertLess(len(self.html), 3_000_000)

    @parameterized.parameters(0, 1)
    def test_three_images(self, accuracy):
        labels = np.arange(3)
        probabilities = np.float32(np.eye(3)[(labels + 1 - accuracy) % 3])
        page = self._write(3, probabilities=probabilities)
        self.assertIn("There are none.", page.text)

    def test_where_the_time_went_counts_no_second_twice(self):
        summary = {"total_sec": 12.0, "train_sec": 6.0, "first_step_sec": 4.0}
        parts = report._times(summary | {"start_sec": 1.5})
        self.assertEqual([sec for _, sec, _ in parts], [1.5, 6.0, 4.5])
        self.assertEqual(sum(share for _, _, share in parts), 1)
        of_older_run = report._times(summary)
        self.assertEqual([sec for _, sec, _ in of_older_run], [6.0, 6.0])

    def test_without_validation(self):
        page = self._write(validated=False)
        self.assertIn("No images were kept for validation", page.text)

    def test_a_training_of_one_step_has_no_rate(self):
        page = self._write(summary={"images_per_sec": None})
        self.assertIn("training images per second", page.text)

    def test_without_data_it_says_so(self):
        page = self._write(images=False)
        self.assertIn(
            "The images are not shown: cifar10 is not prepared on this machine",
            page.text,
        )
        self.assertIn("Confusion", page.text)

    def test_without_a_picture_of_samples(self):
        self._write()
        for content in b"junk", b"":
            (self.path / "plots" / "samples.png").write_bytes(content)
            report.write(
                run_contents.read(run_contents.RunDirectory(self.path))
            )

    def test_a_single_epoch_stands_in_the_middle(self):
        chart = svg_charts.epoch_chart(
            "", [svg_charts.Series("", [0.5], 1)], str
        )
        self.assertBetween(chart.positions[0], 0.4, 0.6)
        self.assertIn('text-anchor="middle">1<', chart.svg)

    def test_ticks_are_told_apart(self):
        for low, high in (0.5, 0.502), (2.1, 2.2), (0.1, 0.9), (0, 7):
            labels = svg_charts.line_chart(
                "", [1, 2], [svg_charts.Series("", [low, high], 1)], str,
                x_label="", y_format=".0%" if high < 1 else "g",
            ).svg  # fmt: skip
            ticks = re.findall(r'"end">(.*?)<', labels)
            self.assertLen(set(ticks), len(ticks))
            self.assertGreater(len(ticks), 2)

    def test_where_it_can_not_be_written(self):
        self._write()
        (self.path / "report.html").unlink()
        (self.path / "report.html").mkdir()
        with self.assertRaisesRegex(UserError, "can't be written"):
            report.write(
                run_contents.read(run_contents.RunDirectory(self.path))
            )

    def test_predictions_that_are_damaged_or_of_another_run(self):
        self._write()
        directory = run_contents.RunDirectory(self.path)
        path = directory.predictions
        labels = np.arange(60) % 3
        two_classes = run_directories.random_predictions(labels % 2, 2)
        for write, problem in (
            (lambda: path.write_bytes(b"junk"), "is damaged"),
            (lambda: predictions_file.write(path, two_classes, labels % 2),
             "is of another run"),
            (lambda: predictions_file.write(
                path, np.float32(np.eye(3)[labels]), labels),
             "is of another run"),
        ):  # fmt: skip
            write()
            with self.assertRaisesRegex(UserError, problem):
                run_contents.read(directory)
            report.write(run_contents.read_for_page(directory))
            text = directory.report.read_text("utf-8")
            page = _Page(text)
            self.assertRegex(page.text, f"It can't be shown: .*{problem}")
            for shown in "Accuracy by epoch", "cifar10-tf --model=dropout":
                self.assertIn(shown, page.text)
            anchors = [v[1:] for v in page.values("href") if v[0] == "#"]
            self.assertContainsSubset(anchors, page.values("id"))
            self.assertNotIn("calibration", anchors)

    def test_without_predictions_data_or_model(self):
        self._write()
        directory = run_contents.RunDirectory(self.path)
        directory.predictions.unlink()
        report.write(run_contents.read_for_page(directory))
        page = _Page(directory.report.read_text("utf-8"))
        self.assertRegex(page.text, "It can't be shown: .*model.keras")

    def test_accuracies_on_corrupted_images(self):
        page = self._write()
        self.assertNotIn("corrupted", page.text)
        directory = run_contents.RunDirectory(self.path)
        result = {
            "model": "dropout", "dataset": "cifar10", "seed": 1,
            "split": "test", "num_images": 60,
            "corruptions": run_directories.CORRUPTIONS,
        }  # fmt: skip
        for change, said in (
            ({}, "made here, by the published definitions"),
            ({"seed": 2}, "of another run, or of other images"),
            ({"corruptions": []}, "is damaged, or no result of ours"),
        ):
            directory.corruptions.write_text(json.dumps(result | change))
            report.write(run_contents.read(directory))
            page = _Page(directory.report.read_text("utf-8"))
            self.assertIn(said, page.text)
            self.assertEqual("shot noise" in page.text, not change)
            if not change:
                self.assertIn("50.0% mean corruption accuracy", page.text)
                self.assertIn("40.0% to 60.0%", page.text)
                self.assertContainsSubset(
                    ["--shade:0.650", "--shade:0.350"], page.values("style")
                )

    @unittest.skipUnless(_CHROMIUM, "no Chromium is installed")
    def test_the_script_runs_in_a_browser(self):
        page = self._write()
        self.assertLen(page.values("hidden"), 4)
        result = subprocess.run(
            [
                _CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
                "--enable-logging=stderr", "--dump-dom",
                f"--user-data-dir={self.create_tempdir('browser').full_path}",
                f"file://{self.path / 'report.html'}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip
        self.assertNotIn("CONSOLE", result.stderr)
        self.assertEmpty(_Page(result.stdout).values("hidden"))


class ReportCommandTest(CommandTestCase):
    def test_it_takes_no_tensorflow(self):
        version = fakes.write_cifar10(self.data_dir, 20, 40)
        self.assertTrue(version.exists())
        prepare = self.run_heavy("prepare", "--dataset=cifar10")
        self.assertEqual(prepare.returncode, 0, prepare.stderr)
        labels = np.arange(40) % 10
        run_directories.write(
            self.directory / "run",
            labels,
            run_directories.random_predictions(labels, 10),
            class_names=tuple(map(str, range(10))),
        )
        result = self.run_light(
            "report",
            "--run_dir=run",
            program="""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from cifar10_tf import main
main.run()
""",
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("report.html", result.stdout)

    def test_what_is_no_run(self):
        (self.directory / "mine").mkdir()
        for arguments in [], ["--run_dir=mine"], ["--run_dir=nowhere"]:
            self.assert_error(self.run_light("report", *arguments))


if __name__ == "__main__":
    absltest.main()

"""The page and the table of a sweep that nobody made."""

import json
import pathlib

from absl.testing import absltest

from cifar10_tf.report.studies import sweep_report, sweep_text
from cifar10_tf.system.errors import UserError


def _trial(number: int, value: float | None, **others) -> dict:
    return {
        "number": number,
        "state": "complete",
        "settings": {"learning_rate": 0.1 * (number + 1), "augment": "none"},
        "value": value,
        "values": [value],
        "std": None,
        "ci95": None,
        "last_epoch": 2,
        "runs": [f"trial{number}/seed1"],
    } | others


def _sweep(**others) -> dict:
    return {
        "status": "complete",
        "dataset": "cifar10",
        "model": "speedrun_s",
        "metric": "validation_accuracy",
        "is_higher_better": True,
        "sampler": "tpe",
        "pruner": "median",
        "search": {
            "learning_rate": "log:0.01:1.0",
            "augment": "none|flip,crop=4,cutout=8",
        },
        "log_settings": ["learning_rate"],
        "shared_settings": {"epochs": 2},
        "seeds": [1],
        "trials": [
            _trial(0, 0.5),
            _trial(1, 0.6, ci95=[0.58, 0.62]),
            _trial(2, 0.3, state="ended early", values=None, last_epoch=1),
            _trial(3, None, state="failed", values=None),
        ],
        "best": 1,
        "importances": {"learning_rate": 0.75, "augment": 0.25},
        "chosen_by": "The test split was not used for choosing.",
        "winner_command": "cifar10-tf train --learning_rate=0.2",
        "command": "cifar10-tf sweep --trials=4",
    } | others


class SweepReportTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path)

    def _page(self, **others) -> str:
        page = self.path / "sweep.html"
        sweep_report.write(page, _sweep(**others))
        return page.read_text("utf-8")

    def test_what_is_best_and_how_it_was_found(self):
        (self.path / "trial1/seed1").mkdir(parents=True)
        (self.path / "trial1/seed1/report.html").touch()
        page = self._page()
        for text in (
            "<strong>60.00%</strong> validation accuracy of trial 1",
            "95 % interval of the mean: 58.00% to 62.00%",
            "The test split was not used for choosing.",
            "cifar10-tf train --learning_rate=0.2",
            '<th scope="row">learning_rate</th><td>75%</td>',
            'href="trial1/seed1/report.html"',
            "30.00% at epoch 1",
            "<td>failed</td>",
            "trial 3: failed, best so far 60.00%",
            "learning_rate, logarithmic",
            ">0.05</text>",
            ">flip,crop=4,c…</text>",
        ):
            self.assertIn(text, page)
        self.assertNotIn('href="trial0/seed1/report.html"', page)
        self.assertNotIn("Not CIFAR-10", page)

    def test_few_trials_say_nothing_of_importance(self):
        self.assertIn(
            "from 10 complete trials on", self._page(importances=None)
        )

    def test_ranges_of_any_size(self):
        for text, tick in (
            ("log:0.03:0.04", ">0.03<"),
            ("log:1e-09:1.0", ">0.001<"),
            ("0.0:0.5", ">0.1<"),
        ):
            search = {"learning_rate": text, "augment": "none|flip"}
            is_log = text.startswith("log")
            page = self._page(
                search=search, log_settings=["learning_rate"] * is_log
            )
            self.assertIn(tick, page)

    def test_it_is_written_again(self):
        summary = self.path / "sweep.json"
        summary.write_text(json.dumps(_sweep()))
        sweep_report.write_again(summary)
        self.assertEqual(
            (self.path / "sweep.html").read_text("utf-8"), self._page()
        )
        for text in "{}", "[]", "{":
            summary.write_text(text)
            with self.assertRaisesRegex(UserError, "sweep.json is damaged"):
                sweep_report.write_again(summary)


class SweepTextTest(absltest.TestCase):
    def test_table(self):
        title, head, first, second, matters, chosen, _, command = (
            sweep_text.table(_sweep()).splitlines()
        )
        self.assertEqual(
            title,
            "speedrun_s on CIFAR-10: 4 trials of 1 run, 1 ended early, "
            "1 failed",
        )
        self.assertRegex(head, "validation accuracy +95 % .* learning_rate +a")
        self.assertRegex(first, r"^trial1 +60.00% +58.00% to 62.00% +0.2 +none")
        self.assertRegex(second, r"^trial0 +50.00% +from 3 seeds on +0.1 ")
        self.assertIn("learning_rate 75%, augment 25%", matters)
        self.assertStartsWith(chosen, "The test split was not used")
        self.assertEqual(command, "  cifar10-tf train --learning_rate=0.2")

    def test_a_low_loss_is_better(self):
        sweep = _sweep(metric="validation_loss", is_higher_better=False)
        self.assertEqual(
            [t["number"] for t in sweep_text.best_trials(sweep)], [0, 1]
        )
        self.assertRegex(sweep_text.table(sweep), r"trial0 +0\.5000 ")


if __name__ == "__main__":
    absltest.main()

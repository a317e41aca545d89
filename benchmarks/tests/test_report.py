import contextlib
import io
import json
import pathlib
from unittest import mock

import psutil
from absl.testing import absltest
from harness import clone
from harness.report import parser, report, row


class ReportTest(absltest.TestCase):
    def test_report_writes_json_and_markdown(self):
        rows = [
            row("c", "ours", "speed", "images/s", [90, 100, 120]),
            row("c", "peer", "speed", "images/s", [50.0]),
            row("c", "ours", "small", "s", [0.000123456]),
        ]
        output = (
            pathlib.Path(self.create_tempdir().full_path) / "new" / "b.json"
        )
        arguments = parser("").parse_args([f"--output={output}"])
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            path = report("b", rows, arguments, ["numpy", "psutil"])
        self.assertEqual(path, output)
        result = json.loads(output.read_text())
        self.assertEqual(
            list(result),
            ["benchmark", "command", "commit", "hardware", "versions", "rows"],
        )
        self.assertEqual(
            result["rows"][0],
            {
                "case": "c",
                "subject": "ours",
                "metric": "speed",
                "unit": "images/s",
                "median": 100,
                "min": 90,
                "max": 120,
                "n": 3,
            },
        )
        self.assertEqual(result["rows"][2]["median"], 0.00012346)
        self.assertEqual(result["versions"]["psutil"], psutil.__version__)
        text = output.with_suffix(".md").read_text()
        self.assertEqual(text, stdout.getvalue())
        *_, ours, peer, alone = text.splitlines()
        self.assertEqual(
            ours.removesuffix(f" {'█' * 20} |"),
            "| c | ours | speed (images/s) | 100 | 90 | 120 | 3 |",
        )
        self.assertEndsWith(peer, f" | 1 | {'█' * 10} |")
        self.assertEndsWith(alone, " | 1 |  |")

    def test_quick_figures_do_not_replace_the_others(self):
        arguments = parser("").parse_args(["--quick"])
        directory = pathlib.Path(self.create_tempdir().full_path)
        rows = [row("c", "ours", "speed", "images/s", [90])]
        with (
            mock.patch.object(clone, "REPOSITORY", directory),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            path = report("b", rows, arguments)
        self.assertEqual(path, directory / "runs/benchmarks/b.json")

import json

import numpy as np
from absl.testing import absltest

from tests.cases import CommandTestCase
from tests.report import run_directories

_WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from cifar10_tf import main
main.run()
"""


class CompareTest(CommandTestCase):
    def setUp(self):
        super().setUp()
        labels = np.arange(300) % 3
        for i, name in enumerate(("one", "other")):
            predictions = run_directories.random_predictions(labels, seed=i)
            run_directories.write(self.directory / name, labels, predictions)

    def _compare(self, *arguments):
        return self.run_light(
            "compare", *arguments, program=_WITHOUT_TENSORFLOW
        )

    def test_text_and_page(self):
        result = self._compare("one", "other", "--output=both.html")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("no difference shown", result.stdout)
        path = self.directory / "both.html"
        self.assertIn(f"Written: {path}", result.stderr)
        page = path.read_text("utf-8")
        self.assertTrue(page.startswith("<!DOCTYPE html>"))

    def test_json(self):
        result = self._compare("one", "other", "--format=json")
        subjects = json.loads(result.stdout)["subjects"]
        self.assertEqual([s["name"] for s in subjects], ["one", "other"])

    def test_mistakes(self):
        for arguments, message in (
            ([], "two directories"),
            (["one"], "two directories"),
            (["one", "nowhere"], "does not exist"),
            (["one", "other", "--output=x.json"], ".html"),
            (["one", "other", "--output=no/x.html"], "no directory /"),
            (["one", "other", "--format=xml"], "choose from text, json"),
            (["one", "other", "--epochs=3"], "takes no --epochs"),
        ):
            self.assert_error(self._compare(*arguments), message)


if __name__ == "__main__":
    absltest.main()

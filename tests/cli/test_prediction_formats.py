import csv
import json

import numpy as np
from absl.testing import absltest

from cifar10_tf.cli.prediction_formats import FORMATS
from cifar10_tf.deployment.image_arguments import Failure
from cifar10_tf.deployment.predictions import Prediction

_NAMES = ("cat", "dog, hot", "\u732b")


def _results(*names):
    image = np.zeros((32, 32, 3), np.uint8)
    rows = np.array([[0.125, 0.75, 0.125]], np.float32)
    for name in names:
        yield Prediction(name, image, rows[0], _NAMES)
    yield Failure("broken", "not an image")


def _written(file_format, *names):
    return "".join(FORMATS[file_format](_results(*names)))


class FormatsTest(absltest.TestCase):
    def test_text(self):
        lines = _written("text", "a.png").splitlines()
        self.assertEqual(lines[0], "a.png")
        self.assertRegex(lines[1], r"^  dog, hot +75.0%  #+$")
        self.assertLen(lines, 4)

    def test_json(self):
        first, last = json.loads(_written("json", "a.png"))
        self.assertEqual(first["file"], "a.png")
        self.assertEqual(
            first["predictions"][0], {"label": "dog, hot", "probability": 0.75}
        )
        self.assertEqual(last, {"file": "broken", "error": "not an image"})
        self.assertLen(json.loads(_written("json")), 1)
        self.assertEqual(json.loads("".join(FORMATS["json"]([]))), [])

    def test_csv(self):
        first, last = csv.DictReader(
            _written("csv", 'a "b", c.png').splitlines()
        )
        self.assertEqual(first["file"], 'a "b", c.png')
        self.assertEqual(first["label_1"], "dog, hot")
        self.assertEqual(float(first["probability_1"]), 0.75)
        self.assertEqual(last["error"], "not an image")

    def test_odd_names(self):
        name = "line\nbreak \udcff.png"
        for file_format in FORMATS:
            text = _written(file_format, name)
            text.encode("utf-8")
            self.assertIn(r"line\nbreak \udcff.png", text)

    def test_odd_names_of_classes(self):
        names = ("\x1b[2Jcat", "dog\udcff", "bird")
        image = np.zeros((32, 32, 3), np.uint8)
        row = np.array([0.5, 0.25, 0.25], np.float32)
        for file_format in FORMATS:
            result = Prediction("x.png", image, row, names)
            text = "".join(FORMATS[file_format]([result]))
            text.encode("utf-8")
            self.assertNotIn("\x1b", text)
            self.assertIn("[2Jcat", text)


if __name__ == "__main__":
    absltest.main()

import json

from absl.testing import absltest
from PIL import Image

from tests import fakes
from tests.cases import CommandTestCase

_WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from cifar10_tf import main
from cifar10_tf.deployment.runtimes import by_path
from tests.deployment.fake_runtime import Brightness
by_path.load = lambda path: Brightness()
main.run()
"""


class PredictTest(CommandTestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.directory / "my images"
        self.folder.mkdir()
        for name, level in ("dark", 0), ("bright", 255):
            image = Image.new("RGB", (50, 40), (level,) * 3)
            image.save(self.folder / f"{name}.png")

    def _predict(self, *arguments):
        return self.run_light(
            "predict",
            "--run_dir=run",
            *arguments,
            program=_WITHOUT_TENSORFLOW,
        )

    def test_json(self):
        result = self._predict("my images", "--format=json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        of = {
            entry["file"]: entry["predictions"][0]["label"]
            for entry in json.loads(result.stdout)
        }
        self.assertEqual(
            of, {"my images/bright.png": "bright", "my images/dark.png": "dark"}
        )

    def test_a_bad_file_is_named_and_the_others_are_predicted(self):
        (self.folder / "broken.png").write_bytes(b"")
        result = self._predict("my images")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(
            result.stderr,
            "error: my images/broken.png: empty\n"
            "error: 1 of 3 could not be classified; the others were.\n",
        )
        for name in "dark", "bright":
            self.assertIn(f"my images/{name}.png\n  {name}", result.stdout)

    def test_output_and_heat_maps(self):
        out = self.directory / "out"
        out.mkdir()
        for number in range(2):
            result = self._predict(
                "my images", "--output=out/a.csv", "--format=csv", "--explain"
            )
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout, "")
            self.assertLen((out / "a.csv").read_text().splitlines(), 3)
            directory = out / ("heat_maps.1" if number else "heat_maps")
            self.assertEqual(
                sorted(path.name for path in directory.iterdir()),
                ["00001-bright-bright.png", "00002-dark-dark.png"],
            )

    def test_no_directory_of_heat_maps_without_one(self):
        (self.folder / "dark.png").write_bytes(b"")
        result = self._predict("my images/dark.png", "--explain")
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("Written", result.stderr)
        self.assertFalse((self.directory / "heat_maps").exists())

    def test_of_odd_metadata_nothing_is_said(self):
        path = self.folder / "dark.png"
        Image.open(path).save(path, "JPEG", exif=fakes.ODD_EXIF)
        self.assertEqual(self._predict("my images").stderr, "")

    def test_mistakes(self):
        for arguments, message in (
            ([], "needs images"),
            (["my images", "--model=x.onnx"], "leave one out"),
            (["my images", "--output=x.csv"], "add --format=csv"),
            (["my images", "--crop=middle"], "choose from center, squash"),
            (["my images", "--format=xml"], "choose from text, json, csv"),
            (["my images", "--output=x.html"], "no name of a .txt file"),
            (["my images", "--epochs=3"], "takes no --epochs"),
        ):
            self.assert_error(self._predict(*arguments), message)

    def test_a_model_must_be_there(self):
        result = self.run_light("predict", "my images")
        self.assert_error(result, "needs a model")
        result = self.run_light("predict", "my images", "--run_dir=my images")
        self.assert_error(result, "holds no model")
        result = self.run_light("predict", "my images", "--model=x.onnx")
        self.assert_error(result, "x.onnx does not exist")


if __name__ == "__main__":
    absltest.main()

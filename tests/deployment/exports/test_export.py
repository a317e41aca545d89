import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.deployment import metadata
from cifar10_tf.deployment.exports import checks, export, speed
from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.deployment.runtimes.keras_run import KerasRun
from cifar10_tf.settings.export_formats import FORMATS
from cifar10_tf.system.errors import UserError
from tests.deployment import tiny_run

for _library in {name for of in FORMATS.values() for name in of.libraries}:
    pytest.importorskip(_library)

_FILES = [of.file for of in FORMATS.values()]
_FLOATS = [of.file for of in FORMATS.values() if not of.is_quantized]

# As a program of somebody's, which has the file and not this package.
_PLAIN_LITERT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1])
runner = interpreter.get_signature_runner("serving_default")
for images in np.load(sys.argv[2]), np.load(sys.argv[2])[:1]:
    print(runner(image=images)["probabilities"].tolist())
"""
_PLAIN_ONNX = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
for images in np.load(sys.argv[2]), np.load(sys.argv[2])[:1]:
    print(session.run(None, {"image": images})[0].tolist())
"""
_LOADED = """
import sys
from cifar10_tf.deployment.runtimes import by_path
by_path.load(sys.argv[1])
print(sorted({"tensorflow", "keras"} & {*sys.modules}))
"""


def _few_turns():
    return mock.patch.multiple(speed, _SINGLE=(1, 2), _BATCH=(1, 1))


def _run_program(program: str, *arguments) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.slow
class ExportTest(parameterized.TestCase):
    """All formats of one run in mixed precision."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(tiny_run.known())
        cls.enterClassContext(_few_turns())
        # Of so few images chance may take more than a point.
        cls.enterClassContext(mock.patch.object(checks, "_MOST_LOST", 0.2))
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.run_dir = tiny_run.write(directory, "mixed_bfloat16")
        cls.path = cls.run_dir.path / "export"
        cls.dataset = tiny_run.dataset()
        cls.images = cls.dataset.test.images
        cls.result = export.export(cls.run_dir, [*FORMATS], cls.dataset)
        cls.expected = KerasRun(cls.run_dir).predict(cls.images)

    def test_the_network_is_worth_comparing(self):
        self.assertGreater(np.ptp(self.expected, axis=0).min(), 0.05)
        self.assertLen(set(self.expected.argmax(axis=1)), 3)

    @parameterized.parameters(_FILES)
    def test_any_number_of_images(self, name):
        runtime = by_path.load(self.path / name)
        self.assertEqual(runtime.class_names, tiny_run.CLASS_NAMES)
        tolerance = 0.3 if "int8" in name else 0.01
        for num in 40, 1, 0, 3:
            actual = runtime.predict(self.images[:num])
            self.assertEqual(actual.dtype, np.float32)
            np.testing.assert_allclose(
                actual, self.expected[:num], atol=tolerance
            )

    def test_more_images_than_are_computed_at_a_time(self):
        runtime = by_path.load(self.path / "model.onnx")
        images = np.resize(self.images, (600, 32, 32, 3))
        np.testing.assert_allclose(
            runtime.predict(images),
            np.resize(self.expected, (600, 3)),
            atol=0.01,
        )

    def test_images_that_are_none(self):
        runtime = by_path.load(self.path / "model.onnx")
        for images in self.images / 255, self.images[:, :16], self.images[0]:
            with self.assertRaisesRegex(ValueError, "images must be uint8"):
                runtime.predict(images)

    def test_programs_without_this_package(self):
        images = self.create_tempfile("images.npy").full_path
        np.save(images, self.images)
        for program, name in (
            (_PLAIN_LITERT, "model.tflite"),
            (_PLAIN_ONNX, "model.onnx"),
        ):
            lines = _run_program(program, self.path / name, images).splitlines()
            for line, num in zip(lines, (40, 1), strict=True):
                np.testing.assert_allclose(
                    json.loads(line), self.expected[:num], atol=0.01
                )

    def test_plain_tensorflow_and_keras(self):
        loaded = tf.saved_model.load(self.path / "savedmodel")
        signature = loaded.signatures["serving_default"]
        specs = signature.structured_input_signature[1]
        self.assertEqual(
            specs,
            {"image": tf.TensorSpec((None, 32, 32, 3), tf.uint8, "image")},
        )
        outputs = signature(image=tf.constant(self.images))["probabilities"]
        np.testing.assert_allclose(outputs, self.expected, atol=1e-4)

        model = keras.models.load_model(self.path / "model.keras")
        outputs = model.predict(self.images, verbose=0)
        np.testing.assert_allclose(outputs, self.expected, atol=1e-4)
        layers = model.layers + model.layers[-1].layers
        for layer in layers:
            self.assertStartsWith(type(layer).__module__, "keras.")

    @parameterized.parameters("model.onnx", "model.tflite")
    def test_tensorflow_is_not_imported(self, name):
        self.assertEqual(_run_program(_LOADED, self.path / name), "[]\n")

    def test_what_files_say_of_themselves(self):
        labels = "cat\nHund <1>\n\u9ce5\n"
        of_labels = [self.path, self.path / "savedmodel" / "assets.extra"]
        for directory in of_labels:
            text = (directory / "labels.txt").read_text("utf-8")
            self.assertEqual(text, labels)
        for name, precision in (
            ("model.tflite", "float32"),
            ("model_int8.tflite", "int8"),
            ("model.keras", "mixed_bfloat16"),
        ):
            described = metadata.from_archive(self.path / name)
            self.assertEqual(described.precision, precision)
            self.assertEqual(described.test_accuracy, 0.25)
            self.assertEqual(described.test_accuracy_ci95, (0.2, 0.3))
            with zipfile.ZipFile(self.path / name) as archive:
                text = archive.read("labels.txt").decode()
            self.assertEqual(text, labels)

    @parameterized.parameters("model.onnx", "model.tflite", "savedmodel")
    def test_other_classes_than_outputs(self, name):
        of = mock.Mock(class_names=("cat", "dog"))
        with (
            mock.patch.multiple(
                metadata.Metadata,
                from_json=lambda text: of,
                from_texts=lambda texts: of,
            ),
            self.assertRaisesRegex(UserError, "ValueError") as caught,
        ):
            by_path.load(self.path / name)
        self.assertIn(
            "2 class names for 3 outputs", str(caught.exception.__cause__)
        )

    def test_the_record(self):
        record = json.loads((self.path / "export.json").read_text())
        self.assertEqual(record, self.result)
        self.assertEqual([*record["formats"]], [*FORMATS])
        for name, entry in record["formats"].items():
            self.assertEqual(entry["num_compared"], 40)
            self.assertGreater(entry["size_bytes"], 1000)
            self.assertGreater(entry["latency_ms"]["median"], 0)
            self.assertEqual(entry["latency_ms"]["n"], 2)
            self.assertGreater(entry["images_per_sec"]["median"], 0)
            is_int8 = name == "litert_int8"
            self.assertEqual("test_accuracy" in entry, is_int8)
        self.assertEqual(
            [*record["keras"]], ["model.predict", "compiled model"]
        )
        self.assertIn("onnxruntime", record["versions"])

    def test_it_is_still_a_run(self):
        self.assertTrue(self.run_dir.is_complete(tiny_run.CONFIG))
        self.assertFalse(self.run_dir.path.joinpath(".lock").exists())
        hidden = [p for p in self.path.iterdir() if p.name.startswith(".")]
        self.assertEmpty(hidden)

    @parameterized.parameters(_FILES)
    def test_damage_is_an_error_of_one_line(self, name):
        damaged = pathlib.Path(self.create_tempdir().full_path) / name
        original = self.path / name
        if original.is_dir():
            damaged.mkdir()
            (damaged / "saved_model.pb").write_bytes(b"damaged")
        else:
            damaged.write_bytes(original.read_bytes()[:-400])
        with self.assertRaisesRegex(UserError, "can't be loaded: .* again"):
            by_path.load(damaged)

    def test_a_keras_model_of_somebody_elses_is_refused(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "model.keras"
        inputs = keras.Input((32, 32, 3), dtype="uint8")
        outputs = keras.layers.Flatten()(inputs)
        keras.Model(inputs, outputs).save(path)
        with self.assertRaisesRegex(UserError, "nothing that export made"):
            by_path.load(path)
        described = metadata.from_archive(self.path / "model.keras")
        metadata.add_to_archive(path, described)  # says that it is ours
        with self.assertRaisesRegex(UserError, "can't be loaded"):
            by_path.load(path)


@pytest.mark.slow
class ExportAgainTest(absltest.TestCase):
    def test_a_format_beside_another(self):
        self.enter_context(tiny_run.known())
        self.enter_context(_few_turns())
        directory = self.create_tempdir().full_path
        run, dataset = tiny_run.write(directory, "float32"), tiny_run.dataset()
        path = run.path / "export"
        result = export.export(run, ["keras"], dataset)
        self.assertEqual([*result["formats"]], ["keras"])
        entry = result["formats"]["keras"]
        self.assertLess(entry["max_difference"], 1e-5)

        # What fails its check is not left, and the other one is measured again.
        wrong = mock.patch.object(
            by_path.runtime_class(FORMATS["onnx"]),
            "_predict",
            lambda self, images: np.full((len(images), 3), 1 / 3, np.float32),
        )
        with wrong, self.assertRaisesRegex(UserError, "model.onnx: it differs"):
            export.export(run, ["onnx"], dataset)
        names = {file.name for file in path.iterdir()}
        self.assertEqual(names, {"export.json", "labels.txt", "model.keras"})
        record = json.loads((path / "export.json").read_text())
        self.assertEqual([*record["formats"]], ["keras"])
        again = record["formats"]["keras"]
        self.assertEqual(again["max_difference"], entry["max_difference"])
        self.assertNotEqual(again["latency_ms"], entry["latency_ms"])

        (path / "model.keras").unlink()
        self.assertEmpty(export._earlier(path))


if __name__ == "__main__":
    absltest.main()

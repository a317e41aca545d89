import json
from unittest import mock

from absl.testing import absltest

from cifar10_tf.deployment.exports import export, speed
from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError
from tests import fakes
from tests.deployment import tiny_run
from tests.deployment.fake_runtime import Brightness


class FailuresTest(absltest.TestCase):
    """What becomes of the others, with runtimes that write a line."""

    def setUp(self):
        super().setUp()
        self.run_dir = RunDirectory(self.create_tempdir().full_path)
        self.run_dir.open(tiny_run.CONFIG)
        self.run_dir.complete(fakes.SUMMARY)
        self.path = self.run_dir.path / "export"
        self.dataset = tiny_run.dataset()
        self.enter_context(
            mock.patch.multiple(speed, _SINGLE=(1, 1), _BATCH=(1, 1))
        )
        self.broken = {}
        in_keras = Brightness(tiny_run.CLASS_NAMES)
        in_keras.precision = "float32"
        in_keras.model = mock.Mock()
        of_run = mock.Mock()
        of_run.metadata.labels.return_value = "cat\n"
        for module, name, value in (
            (export, "KerasRun", lambda run: in_keras),
            (export.network, "read", lambda run, images: of_run),
            (by_path, "runtime_class", self._runtime_class),
        ):
            self.enter_context(mock.patch.object(module, name, value))

    def _runtime_class(self, of):
        def load(path):
            if path.read_text() != "whole":
                raise ValueError("damaged")
            return Brightness(tiny_run.CLASS_NAMES)

        def write(network, path):
            if of.file in self.broken:
                raise self.broken[of.file]
            path.write_text("whole")
            return mock.Mock(precision="float32")

        runtime = mock.Mock(side_effect=load)
        runtime.write = write
        return runtime

    def _export(self, *names):
        return export.export(self.run_dir, names, self.dataset)

    def _recorded(self):
        record = json.loads((self.path / "export.json").read_text())
        return [*record["formats"]]

    def test_what_cant_be_converted_is_not_left_and_the_others_are(self):
        self._export("litert", "keras")
        self.broken["model.tflite"] = KeyError("no such op\nin detail")
        with self.assertRaisesRegex(
            UserError,
            r"^not exported: model.tflite: it can't be converted "
            r"\(KeyError: .*\)\.$",
        ) as caught:
            self._export("litert", "onnx")
        self.assertIsInstance(caught.exception.__cause__, KeyError)
        self.assertEqual(self._recorded(), ["onnx", "keras"])
        self.assertFalse((self.path / "model.tflite").exists())

    def test_an_earlier_file_that_is_damaged_is_left_out(self):
        self._export("litert", "keras")
        (self.path / "model.tflite").write_text("half")
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self._export("onnx")
        self.assertEqual(self._recorded(), ["onnx", "keras"])
        self.assertRegex(logs.output[0], "Left out of export.json: .*tflite")
        self.assertTrue((self.path / "model.tflite").exists())

    def test_a_full_disk_is_no_failure_of_a_format(self):
        self._export("litert")
        self.broken["model.tflite"] = OSError(28, "No space left on device")
        with self.assertRaisesRegex(OSError, "No space"):
            self._export("litert", "onnx")
        self.assertTrue((self.path / "model.tflite").exists())


if __name__ == "__main__":
    absltest.main()

import json
import pathlib
import time
from unittest import mock

import numpy as np
from absl.testing import absltest

from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.deployment.server import fastest
from cifar10_tf.system.errors import UserError
from tests.deployment.fake_runtime import Brightness


class _Named(Brightness):
    def __init__(self, name, sleep_sec=0.0, wrong=0.0):
        super().__init__()
        self.name, self._sleep_sec, self._wrong = name, sleep_sec, wrong

    def _predict(self, images: np.ndarray) -> np.ndarray:
        time.sleep(self._sleep_sec)
        return super()._predict(images) + np.float32(self._wrong)


class ChooseTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.run = pathlib.Path(self.create_tempdir().full_path)
        (self.run / "export").mkdir()
        summary = json.dumps({"precision": "mixed_bfloat16"})
        (self.run / "summary.json").write_text(summary)
        self.runtimes = {self.run.name: _Named("Keras", sleep_sec=0.002)}
        self.enter_context(mock.patch.object(by_path, "load", self._load))

    def _load(self, path):
        runtime = self.runtimes[pathlib.Path(path).name]
        if isinstance(runtime, Exception):
            raise runtime
        return runtime

    def _export(self, name, runtime):
        (self.run / "export" / name).touch()
        self.runtimes[name] = runtime

    def test_the_run_alone(self):
        runtime, speeds = fastest.choose(str(self.run))
        self.assertEqual(runtime.name, "Keras")
        self.assertEqual(list(speeds), ["Keras"])
        self.assertGreater(speeds["Keras"]["latency_ms"]["min"], 1)

    def test_the_fastest(self):
        self._export("model.onnx", _Named("ONNX", sleep_sec=0.001))
        self._export("model.tflite", _Named("LiteRT"))
        runtime, speeds = fastest.choose(str(self.run))
        self.assertEqual(runtime.name, "LiteRT")
        self.assertEqual(list(speeds), ["Keras", "LiteRT", "ONNX"])

    def test_what_answers_otherwise_or_can_not_be_loaded_is_left_out(self):
        self._export("model.onnx", _Named("ONNX", wrong=0.1))
        self._export("model.tflite", UserError("not installed"))
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            runtime, _ = fastest.choose(str(self.run))
        self.assertEqual(runtime.name, "Keras")
        self.assertIn("not installed", logs.output[0])
        self.assertIn("answers otherwise", logs.output[1])

    def test_what_answers_nothing_or_fails_is_left_out(self):
        self._export("model.onnx", _Named("ONNX", wrong=np.nan))
        failing = _Named("LiteRT")
        failing.predict = mock.Mock(side_effect=RuntimeError("no such input"))
        self._export("model.tflite", failing)
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            _, speeds = fastest.choose(str(self.run))
        self.assertEqual(list(speeds), ["Keras"])
        self.assertIn("no such input", logs.output[0])
        self.assertIn("answers otherwise", logs.output[1])


if __name__ == "__main__":
    absltest.main()

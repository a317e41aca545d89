import importlib.metadata
import os
import subprocess
import sys
import time
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import absltest

from cifar10_tf import machine


class MachineTest(absltest.TestCase):
    def test_process_sec_counts_from_the_start_of_the_process(self):
        program = (
            "import time; time.sleep(0.5); from cifar10_tf import machine;"
            "print(machine.process_sec())"
        )
        start = time.time()
        out = subprocess.check_output([sys.executable, "-c", program])
        self.assertBetween(float(out), 0.5, time.time() - start + 0.02)

    def test_versions_need_no_installed_package(self):
        missing = importlib.metadata.PackageNotFoundError
        with mock.patch("importlib.metadata.version", side_effect=missing):
            versions = machine.versions()
        self.assertEqual(versions["tensorflow"], tf.__version__)
        self.assertEqual(versions["tensorflow-datasets"], tfds.__version__)

    def test_versions_do_not_import_tfds(self):
        program = """
import sys
from cifar10_tf import machine
machine.versions()
assert "tensorflow_datasets" not in sys.modules
"""
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_gpus(self):
        details = {"device_name": "Tesla T4", "compute_capability": (7, 5)}
        with (
            mock.patch.object(
                tf.config, "get_visible_devices", return_value=["gpu", "x"]
            ),
            mock.patch.object(
                tf.config.experimental,
                "get_device_details",
                side_effect=[details, {}],
            ),
        ):
            first, second = machine.gpus()
        self.assertEqual(
            first, {"name": "Tesla T4", "compute_capability": (7, 5)}
        )
        self.assertEqual(second["compute_capability"], (0, 0))

    def _start(self, gpus):
        """Returns the GPUs whose memory grows, and that which is chosen."""
        config = tf.config
        with (
            mock.patch.object(config, "get_visible_devices", lambda _: gpus),
            mock.patch.object(config.experimental, "set_memory_growth") as grow,
            mock.patch.object(config, "set_visible_devices") as choose,
        ):
            machine.start_tensorflow()
        return grow.mock_calls, choose.mock_calls

    def test_the_memory_of_a_gpu_grows(self):
        self.assertEqual(self._start(["a"]), ([mock.call("a", True)], []))
        self.assertEqual(self._start([]), ([], []))

    def test_of_several_gpus_the_first_is_used(self):
        with self.assertLogs("cifar10_tf") as logs:
            grown, chosen = self._start(["a", "b"])
        self.assertEqual(grown, [mock.call("a", True)])
        self.assertEqual(chosen, [mock.call("a", "GPU")])
        self.assertIn("Of 2 GPUs the first is used", logs.output[0])

    def test_why_no_gpu(self):
        with mock.patch("shutil.which", return_value=None):
            self.assertIn("driver", machine.why_no_gpu())
        with (
            mock.patch("shutil.which", return_value="/bin/nvidia-smi"),
            mock.patch.object(tf.test, "is_built_with_cuda", lambda: True),
            mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES="-1"),
        ):
            self.assertIn("CUDA_VISIBLE_DEVICES", machine.why_no_gpu())

    def test_silenced_stderr_is_restored_after_an_error(self):
        before = os.fstat(2)
        with self.assertRaises(ValueError), machine._silenced_stderr():
            raise ValueError
        self.assertEqual(os.fstat(2), before)


if __name__ == "__main__":
    absltest.main()

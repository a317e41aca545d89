import os
from unittest import mock

import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.system import gpu_diagnosis


class WhyNoGpuTest(absltest.TestCase):
    def _why(self, *, driver=True, cuda=True, **variables):
        """Returns what it says on a machine that has or lacks these."""
        path = "/bin/nvidia-smi" if driver else None
        with (
            mock.patch("shutil.which", return_value=path),
            mock.patch.object(tf.test, "is_built_with_cuda", lambda: cuda),
            mock.patch.dict(os.environ, variables),
        ):
            if not variables:
                os.environ.pop("CUDA_VISIBLE_DEVICES", None)
            self.assertEqual(gpu_diagnosis.has_nvidia_driver(), driver)
            return gpu_diagnosis.why_no_gpu()

    def test_why_no_gpu(self):
        self.assertIn("no NVIDIA driver", self._why(driver=False))
        self.assertIn("without CUDA", self._why(cuda=False))
        for hidden in ("", "-1"):
            self.assertIn(
                "CUDA_VISIBLE_DEVICES hides",
                self._why(CUDA_VISIBLE_DEVICES=hidden),
            )
        self.assertIn("libraries are missing", self._why())


if __name__ == "__main__":
    absltest.main()

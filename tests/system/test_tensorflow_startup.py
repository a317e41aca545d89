import os
import subprocess
import sys
from unittest import mock

import pytest
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.system import tensorflow_startup

_PROGRAM = """
import contextlib, os, sys
from cifar10_tf import main
from cifar10_tf.system import tensorflow_startup
if sys.argv[1:]:
    with contextlib.suppress(SystemExit):
        with contextlib.redirect_stdout(open(os.devnull, "w")):
            main.run()
tensorflow_startup.start_tensorflow()
print("matplotlib" in sys.modules, "scipy" in sys.modules)
import keras, matplotlib.pyplot, scipy.ndimage
print(keras.src.visualization.plot_image_gallery.plt)
"""


class StartTensorflowTest(absltest.TestCase):
    def _start(self, gpus, **kwargs):
        """Returns the GPUs whose memory grows, and those that are chosen."""
        config = tf.config
        with (
            mock.patch.object(config, "get_visible_devices", lambda _: gpus),
            mock.patch.object(config.experimental, "set_memory_growth") as grow,
            mock.patch.object(config, "set_visible_devices") as choose,
        ):
            tensorflow_startup.start_tensorflow(**kwargs)
        return grow.mock_calls, choose.mock_calls

    def test_the_memory_of_a_gpu_grows(self):
        self.assertEqual(self._start(["a"]), ([mock.call("a", True)], []))
        self.assertEqual(self._start([]), ([], []))

    def test_of_several_gpus_the_first_is_used(self):
        with self.assertLogs("cifar10_tf") as logs:
            grown, chosen = self._start(["a", "b"])
        self.assertEqual(grown, [mock.call("a", True)])
        self.assertEqual(chosen, [mock.call(["a"], "GPU")])
        self.assertIn("Of 2 GPUs the first is used", logs.output[0])

    def test_a_training_may_use_all(self):
        grown, chosen = self._start(["a", "b"], num_gpus=None)
        self.assertEqual(grown, [mock.call("a", True), mock.call("b", True)])
        self.assertEqual(chosen, [])

    def test_silenced_stderr_is_restored_after_an_error(self):
        before = os.fstat(2)
        with (
            self.assertRaises(ValueError),
            tensorflow_startup.quiet_import(),
        ):
            raise ValueError
        self.assertEqual(os.fstat(2), before)

    def _started(self, *arguments):
        return subprocess.run(
            [sys.executable, "-c", _PROGRAM, *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()

    @pytest.mark.slow
    def test_a_command_has_what_it_needs_only(self):
        self.assertEqual(self._started("--help"), ["False False", "None"])

    @pytest.mark.slow
    def test_a_notebook_has_all_of_keras(self):
        there, pyplot = self._started()
        self.assertEqual(there, "True True")
        self.assertStartsWith(pyplot, "<module 'matplotlib.pyplot'")


if __name__ == "__main__":
    absltest.main()

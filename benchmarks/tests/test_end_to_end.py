import contextlib
import io
import json
import pathlib
from unittest import mock

import keras
from absl.testing import absltest
from harness import first_training_steps

from cifar10_tf.datasets import names
from tests import fakes


class FirstTrainingStepsTest(absltest.TestCase):
    def test_the_parts_are_the_whole(self):
        folder = fakes.write_folder(
            pathlib.Path(self.create_tempdir().full_path),
            {"train/cat": 6, "train/dog": 6, "test/cat": 2},
        )
        cache = self.create_tempdir().full_path
        policy = keras.config.dtype_policy()
        self.addCleanup(keras.config.set_dtype_policy, policy)
        with (
            mock.patch.dict("os.environ", {"XDG_CACHE_HOME": cache}),
            contextlib.redirect_stdout(io.StringIO()) as stdout,
        ):
            first_training_steps.main(names.of_folder(folder))
        found = json.loads(stdout.getvalue())
        parts_sec = found["parts_sec"]
        self.assertEqual(
            list(parts_sec), ["import", "data", "model", "first step"]
        )
        for part, sec in parts_sec.items():
            self.assertGreater(sec, 0, part)
        self.assertAlmostEqual(sum(parts_sec.values()), found["first_step_sec"])
        self.assertGreater(found["peak_rss_mib"], 100)

import contextlib
import io
from unittest import mock

import input_pipeline
from absl.testing import absltest


class MeasureCaseTest(absltest.TestCase):
    def test_a_subject_that_fails_leaves_the_others(self):
        names = ["absent", "memcpy"]
        with (
            mock.patch.object(input_pipeline, "_NUM_EXAMPLES", 1000),
            contextlib.redirect_stderr(io.StringIO()) as stderr,
        ):
            values = input_pipeline.measure_case("none", names, 0, 2)
        self.assertEqual(list(values), ["memcpy"])
        self.assertLen(values["memcpy"], 2)
        self.assertIn(
            "none absent: left out: ModuleNotFound", stderr.getvalue()
        )

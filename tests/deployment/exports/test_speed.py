from unittest import mock

import numpy as np
from absl.testing import absltest

from cifar10_tf.deployment.exports import speed


class MeasureTest(absltest.TestCase):
    def test_models_take_turns(self):
        calls = []
        models = {
            name: lambda images, name=name: calls.append((name, len(images)))
            for name in "ab"
        }
        images = np.zeros((40, 32, 32, 3), np.uint8)
        with mock.patch.multiple(speed, _SINGLE=(2, 2), _BATCH=(2, 1)):
            measured = speed.measure(models, images, batch_size=50)
        singles = [name for name, size in calls if size == 1]
        self.assertEqual("".join(singles), "aaaabbbb" + "aaabbb")
        batches = [name for name, size in calls if size == 50]
        self.assertEqual("".join(batches), "aaabbb" + "aabb")
        self.assertEqual([*measured], ["a", "b"])

    def test_figures(self):
        clock = iter([0, 0.002, 1, 1.004, 2, 2.009, 3, 3.064])
        images = np.zeros((1, 32, 32, 3), np.uint8)
        with (
            mock.patch.multiple(speed, _SINGLE=(1, 3), _BATCH=(1, 1)),
            mock.patch("time.perf_counter", lambda: next(clock)),
        ):
            measured = speed.measure({"a": len}, images)["a"]
        self.assertEqual(
            {name: round(v, 3) for name, v in measured["latency_ms"].items()},
            {"median": 4.0, "min": 2.0, "max": 9.0, "n": 3},
        )
        self.assertAlmostEqual(measured["images_per_sec"]["median"], 4000)


if __name__ == "__main__":
    absltest.main()

"""That nothing has changed a batch, or what a training comes to."""

import numpy as np
import pytest
from absl.testing import absltest

from tests import golden, launcher


class GoldenTest(absltest.TestCase):
    def test_batches_of_seed_and_step(self):
        self.assertEqual(golden.batches(), golden.read()["batches"])

    @pytest.mark.slow
    def test_short_trainings(self):
        trainings = golden.trainings(launcher.heavy().run)
        by_machine = golden.read()["trainings"]
        # What has changed on purpose is known of the machine where it was done.
        for model, expected in by_machine.get(golden.machine(), {}).items():
            self.assertEqual(trainings[model], expected, model)
        # Other machines round differently, but learn the same, in float32. In
        # bfloat16 they may even find other images easy.
        (expected, *_) = by_machine.values()
        for name in ("loss", "val_loss", "test_loss"):
            np.testing.assert_allclose(
                trainings["dropout"][name], expected["dropout"][name], rtol=0.05
            )


if __name__ == "__main__":
    absltest.main()

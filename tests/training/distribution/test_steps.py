import functools
import json

import numpy as np
from absl.testing import absltest, parameterized

from tests import launcher

_PROGRAM = (
    "from tests.training.distribution import devices_program; "
    "devices_program.main()"
)


@functools.cache
def _train(
    num_devices,
    num_steps,
    *,
    num_examples=37,
    policy="float32",
    breaks=False,
    **settings,
):
    job = {
        "devices": num_devices,
        "num_steps": num_steps,
        "num_examples": num_examples,
        "policy": policy,
        "breaks": breaks,
        "settings": {"batch_size": 16, "learning_rate": 0.01, **settings},
    }
    process = launcher.heavy().run(json.dumps(job), program=_PROGRAM)
    assert not process.returncode, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


class ManyDevicesTest(parameterized.TestCase):
    def assert_as_one_device(self, found, expected, tolerance):
        """Checks the losses, and what the first step does to the weights."""
        np.testing.assert_allclose(
            found["losses"], expected["losses"], rtol=tolerance
        )
        change, expected_change = (
            found["first_change"],
            expected["first_change"],
        )
        difference = np.subtract(change, expected_change)
        self.assertLess(
            np.linalg.norm(difference),
            10 * tolerance * np.linalg.norm(expected_change),
        )

    def test_loss_and_gradient_are_those_of_the_whole_batch(self):
        # Of 16, 16 and 5 examples: three devices have 5, 5 and 6, then 1, 2, 2.
        settings = {"model": "baseline", "optimizer": "sgd"}
        expected, found = _train(1, 3, **settings), _train(3, 3, **settings)
        self.assert_as_one_device(found, expected, 1e-6)
        for name, value in expected["evaluation"].items():
            self.assertAlmostEqual(found["evaluation"][name], value, delta=1e-5)

    def test_synchronized_statistics_are_those_of_the_whole_batch(self):
        expected = _train(1, 1, model="speedrun_s")
        found = _train(3, 1, model="speedrun_s", sync_batch_norm=True)
        self.assert_as_one_device(found, expected, 1e-5)
        for moving in found["moving"]:
            np.testing.assert_allclose(
                moving, expected["moving"][0], rtol=1e-4, atol=1e-5
            )

    def test_else_all_devices_have_the_mean_of_their_own(self):
        expected = _train(1, 1, model="speedrun_s")
        found = _train(2, 1, model="speedrun_s")
        self.assertNotEqual(found["change"], expected["change"])
        one, other = found["moving"]
        self.assertEqual(one, other)
        np.testing.assert_allclose(one, expected["moving"][0], atol=0.02)

    def test_a_step_that_overflows_on_one_device_is_skipped_on_all(self):
        found = _train(
            2,
            1,
            num_examples=2,  # on CPUs float16 takes seconds for some
            model="dropout",
            policy="mixed_float16",
            breaks=True,
        )
        self.assertFalse(np.any(found["change"]))
        self.assertEqual(found["scale"], 2.0**14)
        # Dropout has drawn as often on both, from other seeds.
        (seed, count), (other_seed, other_count) = found["seeds"]
        self.assertNotEqual(seed, other_seed)
        self.assertEqual(count, other_count)


if __name__ == "__main__":
    absltest.main()

import numpy as np
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.pipeline.step_seeds import StepSeeds
from cifar10_tf.settings.augmentations import AUGMENTATIONS


class StepSeedsTest(absltest.TestCase):
    def test_each_name_step_and_seed_has_one_of_its_own(self):
        seeds = {
            tuple(StepSeeds(seed, step)[name].numpy())
            for seed in (0, 1, 2**32 - 1)
            for step in (0, 1, 2**40)
            for name in AUGMENTATIONS
        }
        self.assertLen(seeds, 9 * len(AUGMENTATIONS))

    def test_it_is_the_same_in_a_graph(self):
        in_graph = tf.function(lambda step: StepSeeds(3, step)["flip"])
        np.testing.assert_array_equal(
            in_graph(tf.constant(7, tf.int64)), StepSeeds(3, 7)["flip"]
        )


if __name__ == "__main__":
    absltest.main()

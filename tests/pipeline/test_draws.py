import numpy as np
import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.pipeline.draws import Draws, StepDraws
from cifar10_tf.settings.augmentations import AUGMENTATIONS


def _uniform(seed, step, name):
    return StepDraws(seed, step, 4)[name].uniform(before=[2]).numpy()


class DrawsTest(absltest.TestCase):
    def test_each_integer_is_equally_likely(self):
        drawn = Draws((3, 4), 81_000).integers(81)
        counts = np.bincount(drawn, minlength=81)
        self.assertLess(np.abs(counts - 1000).max(), 5 * np.sqrt(1000))

    def test_some_rows_get_what_they_have_in_the_whole_batch(self):
        whole, some = Draws((3, 4), 10), Draws((3, 4), 10, [9, 2, 3])
        for draw in (
            lambda draws: draws.uniform(before=[2]),
            lambda draws: draws.uniform(before=[1], low=-2.0, high=3.0),
            lambda draws: draws.integers(1000)[None],
            lambda draws: draws.split(3)[2].uniform(before=[2]),
        ):
            np.testing.assert_array_equal(
                draw(some), draw(whole).numpy()[:, [9, 2, 3]]
            )


class StepDrawsTest(absltest.TestCase):
    def test_each_name_step_and_seed_has_numbers_of_its_own(self):
        drawn = {
            tuple(_uniform(seed, step, name).ravel())
            for seed in (0, 1, 2**32 - 1)
            for step in (0, 1, 2**40)
            for name in AUGMENTATIONS
        }
        self.assertLen(drawn, 9 * len(AUGMENTATIONS))

    def test_they_are_the_same_in_a_graph(self):
        in_graph = tf.function(lambda step: _draw(step))
        np.testing.assert_array_equal(
            in_graph(tf.constant(7, tf.int64)), _draw(7)
        )


def _draw(step):
    return StepDraws(3, step, 4)["flip"].uniform()


if __name__ == "__main__":
    absltest.main()

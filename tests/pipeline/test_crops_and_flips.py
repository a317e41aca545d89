import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.pipeline.crops_and_flips import Views
from tests import launcher


def _noise(num_examples, height, width, channels):
    rng = np.random.RandomState(0)
    shape = num_examples, height, width, channels
    return rng.randint(0, 256, shape).astype(np.uint8)


class ViewsTest(parameterized.TestCase):
    @parameterized.product(
        mirrored=[False, True],
        padding=[0, 1, 3],
        mode=["reflect", "constant"],
        channels=[1, 3],
    )
    def test_views_are_crops_of_the_padded_images(
        self, mirrored, padding, mode, channels
    ):
        images = _noise(5, 6, 8, channels)
        views = Views(images, mirrored=mirrored, padding=padding, mode=mode)
        pad = (padding, padding)
        padded = np.pad(images, ((0, 0), pad, pad, (0, 0)), mode)
        num_shifts = 2 * padding + 1
        for mirror in range(1 + mirrored):
            for shift in range(num_shifts**2):
                down, right = divmod(shift, num_shifts)
                found = views.gather(
                    tf.constant([4, 0], tf.int64),
                    tf.constant([mirror] * 2, tf.int64) if mirrored else None,
                    tf.constant([shift] * 2, tf.int64) if padding else None,
                )
                source = padded[[4, 0]]
                if mirror:
                    source = source[:, :, ::-1]
                np.testing.assert_array_equal(
                    found, source[:, down : down + 6, right : right + 8]
                )


# It hung three times out of four.
_OPEN_ITERATOR = """
import sys
import numpy as np
import tensorflow_datasets.translate  # where things talk when looked at
from cifar10_tf import make_train
images = np.zeros((20_000, 32, 32, 3), np.uint8)
labels = np.zeros(20_000, np.int64)
batches = iter(make_train(images, labels, num_classes=10, batch_size=2000,
                          seed=1, augment=sys.argv[1]))
next(batches)
"""


class ExitTest(parameterized.TestCase):
    @parameterized.parameters("crop", "crop,randaugment,mixup")
    def test_a_process_ends_while_an_iterator_is_open(self, augment):
        result = launcher.heavy().run(
            augment, program=_OPEN_ITERATOR, limit_sec=60, tidies_up=True
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("DEPRECATED", result.stderr)


if __name__ == "__main__":
    absltest.main()

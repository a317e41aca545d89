import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.models.building import build_model
from cifar10_tf.pipeline.batches import Batches
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from cifar10_tf.training import low_resolution
from cifar10_tf.training.low_resolution import image_sizes
from tests import fakes


class ImageSizesTest(parameterized.TestCase):
    @parameterized.parameters(
        (0.0, 11, {0: None}),
        (0.45, 11, {0: 24, 5: None}),
        (0.45, 1, {0: None}),
        (0.01, 300, {0: 24, 3: None}),
    )
    def test_sizes(self, share, epochs, expected):
        self.assertEqual(image_sizes(share, epochs), expected)

    @parameterized.parameters(1, 2, 7, 100)
    def test_the_last_epoch_is_whole_unless_nearly_all_are_small(self, epochs):
        for share in 0.0, 0.2, 0.49:
            *_, last = image_sizes(share, epochs).values()
            self.assertIsNone(last)


class BatchesTest(absltest.TestCase):
    def _batches(self, step=0, epoch=0, share=0.5):
        config = make_config(epochs=4, batch_size=4, low_resolution=share)
        train = Batches(*fakes.random_arrays(10), num_classes=10)
        found = low_resolution.batches(
            config, train, 3, first_step=step, first_epoch=epoch
        )
        return {epoch: list(ds.take(3)) for epoch, ds in found.items()}

    def _assert_sizes(self, found, expected):
        self.assertEqual(
            {epoch: steps[0][0].shape[1] for epoch, steps in found.items()},
            expected,
        )

    def test_each_size_from_its_epoch_on(self):
        self._assert_sizes(self._batches(), {0: 24, 2: 32})
        self._assert_sizes(self._batches(share=0.0), {0: 32})

    def test_it_goes_on_where_it_was(self):
        whole = self._batches()
        later = self._batches(step=5, epoch=1)
        self._assert_sizes(later, {1: 24, 2: 32})
        for one, other in zip(later[2], whole[2], strict=True):
            np.testing.assert_array_equal(one[0], other[0])
        # All steps of the epoch are done, and it is not validated.
        self._assert_sizes(self._batches(step=6, epoch=1), {1: 24, 2: 32})
        done = self._batches(step=7, epoch=2)
        self._assert_sizes(done, {2: 32})
        np.testing.assert_array_equal(done[2][0][0], whole[2][1][0])


class TakeSmallImagesTest(parameterized.TestCase):
    def test_the_network_takes_both_sizes(self):
        model = build_model("speedrun_s")
        small = tf.zeros([2, 24, 24, 3])
        with self.assertRaises(ValueError):
            model(small)
        low_resolution.take_small_images(model)
        for images in small, tf.zeros([2, 32, 32, 3]):
            self.assertEqual(model(images).shape, (2, 10))

    @parameterized.parameters("dropout", "vgg16_bn", "vit_tiny")
    def test_a_network_for_one_size_is_named(self, name):
        with self.assertRaisesRegex(UserError, f"not for {name}, .* 32 x 32"):
            low_resolution.take_small_images(build_model(name))


if __name__ == "__main__":
    absltest.main()

import numpy as np
from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.pipeline.batches import Batches
from cifar10_tf.pipeline.parts import Parts
from tests import fakes

_NUM_CLASSES = 10


def _steps(dataset, num_parts):
    """Returns the elements of each step: images, labels and weights, joined."""
    elements = list(dataset.as_numpy_iterator())
    for start in range(0, len(elements), num_parts):
        yield list(zip(*elements[start : start + num_parts], strict=True))


def _joined(arrays, weights):
    """Returns what parts have of their own, one after the other."""
    own = [array[w > 0] for array, w in zip(arrays, weights, strict=True)]
    return np.concatenate(own)


class PartsTest(parameterized.TestCase):
    @parameterized.parameters(
        "none",
        "flip,crop=2",
        "alternating_flip,zero_crop=2,cutout=8",
        "cutmix",
        "flip,cutmix,brightness,contrast,mixup",
        "randaugment=9,mixup",
    )
    def test_together_are_the_whole_batch(self, augment):
        images, labels = fakes.random_arrays(23)
        examples = Batches(
            images, labels, num_classes=_NUM_CLASSES, seed=5, augment=augment
        )
        whole = examples.shuffled(10, 1, 5).as_numpy_iterator()
        parts = examples.shuffled(10, 1, 5, parts=Parts(0, 3, 3))
        for batch, part in zip(whole, _steps(parts, 3), strict=True):
            images, labels, weights = part
            # TensorFlow may reorder arithmetic, one way or the other.
            np.testing.assert_allclose(
                _joined(images, weights), batch[0], rtol=0, atol=1e-6
            )
            np.testing.assert_allclose(
                _joined(labels, weights), batch[1], rtol=0, atol=1e-6
            )

    @given(
        num_examples=st.integers(1, 30),
        batch_size=st.integers(1, 12),
        of=st.integers(1, 5),
    )
    @settings(max_examples=10, deadline=None)
    def test_each_example_has_its_share_in_the_mean(
        self, num_examples, batch_size, of
    ):
        images, labels = fakes.random_arrays(num_examples)
        examples = Batches(images, labels, num_classes=_NUM_CLASSES)
        whole = examples.in_order(batch_size).as_numpy_iterator()
        parts = examples.in_order(batch_size, Parts(0, of, of))
        for batch, part in zip(whole, _steps(parts, of), strict=True):
            images, _, weights = part
            np.testing.assert_array_equal(_joined(images, weights), batch[0])
            sizes = [np.count_nonzero(w) for w in weights]
            self.assertLessEqual(max(sizes) - min(sizes), 1)
            self.assertTrue(all(len(array) for array in images))
            own = np.concatenate([w[w > 0] for w in weights])
            np.testing.assert_allclose(own, 1 / len(batch[0]), rtol=1e-6)

    def test_a_worker_has_its_own(self):
        images, labels = fakes.random_arrays(20)
        examples = Batches(
            images, labels, num_classes=_NUM_CLASSES, augment="flip,mixup"
        )
        everything = examples.shuffled(7, 2, 6, parts=Parts(0, 4, 4))
        mine = examples.shuffled(7, 2, 6, parts=Parts(2, 2, 4))
        expected = [
            element
            for i, element in enumerate(everything.as_numpy_iterator())
            if i % 4 >= 2
        ]
        for one, other in zip(mine.as_numpy_iterator(), expected, strict=True):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


if __name__ == "__main__":
    absltest.main()

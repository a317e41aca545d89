import itertools

import numpy as np
from absl.testing import absltest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf import pipeline

_SIZES = st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32 - 1)


def _numbered_arrays(num_examples):
    """Images whose every pixel, and labels that, are the example's index."""
    labels = np.arange(num_examples)
    images = np.broadcast_to(
        labels.astype(np.uint8)[:, None, None, None], (num_examples, 2, 2, 3)
    )
    return images, labels


def _train_indices(num_examples, batch_size, seed, first_step, last_step):
    ds = pipeline.make_train(
        *_numbered_arrays(num_examples),
        num_classes=num_examples,
        batch_size=batch_size,
        seed=seed,
        first_step=first_step,
        last_step=last_step,
    )
    return [y.argmax(axis=1).tolist() for _, y in ds.as_numpy_iterator()]


class MakeTrainTest(absltest.TestCase):
    @given(*_SIZES)
    @settings(max_examples=20, deadline=None)
    def test_every_index_once_an_epoch(self, num_examples, batch_size, seed):
        steps = pipeline.steps_per_epoch(num_examples, batch_size)
        batches = _train_indices(num_examples, batch_size, seed, 0, 3 * steps)
        for epoch in range(3):
            mine = batches[epoch * steps : (epoch + 1) * steps]
            self.assertCountEqual(
                itertools.chain.from_iterable(mine), range(num_examples)
            )

    @given(*_SIZES, st.integers(0, 30))
    @settings(max_examples=20, deadline=None)
    def test_a_step_is_the_same_batch_from_any_start(
        self, num_examples, batch_size, seed, first_step
    ):
        whole = _train_indices(num_examples, batch_size, seed, 0, 31)
        part = _train_indices(num_examples, batch_size, seed, first_step, 31)
        self.assertEqual(part, whole[first_step:])

    def test_the_order_depends_on_epoch_and_seed(self):
        one = _train_indices(100, 100, 7, 0, 2)
        other = _train_indices(100, 100, 8, 0, 1)
        self.assertNotEqual(one[0], one[1])
        self.assertNotEqual(one[0], other[0])

    def test_orders_are_uniform(self):
        # Place 0 over 600 epochs of 6 examples: 100 each, 5 sigma is 46.
        batches = _train_indices(6, 6, 3, 0, 600)
        counts = np.bincount([batch[0] for batch in batches], minlength=6)
        self.assertLess(np.abs(counts - 100).max(), 46)

    def test_images_match_labels_in_unit_range(self):
        ds = pipeline.make_train(
            *_numbered_arrays(256),
            num_classes=256,
            batch_size=100,
            seed=1,
            last_step=3,
        )
        for images, labels in ds.as_numpy_iterator():
            self.assertEqual(images.dtype, np.float32)
            self.assertEqual(labels.dtype, np.float32)
            np.testing.assert_array_equal(labels.sum(axis=1), 1)
            expected = (labels.argmax(axis=1) / 255).astype(np.float32)
            np.testing.assert_array_equal(
                images,
                np.broadcast_to(expected[:, None, None, None], images.shape),
            )

    def test_without_last_step_it_goes_on(self):
        ds = pipeline.make_train(
            *_numbered_arrays(4), num_classes=4, batch_size=4, seed=1
        )
        self.assertLen(list(ds.take(50)), 50)


class MakeEvalTest(absltest.TestCase):
    @given(st.integers(1, 60), st.integers(1, 70))
    @settings(max_examples=20, deadline=None)
    def test_every_example_in_order(self, num_examples, batch_size):
        ds = pipeline.make_eval(
            *_numbered_arrays(num_examples),
            num_classes=num_examples,
            batch_size=batch_size,
        )
        found = [y.argmax(axis=1) for _, y in ds.as_numpy_iterator()]
        np.testing.assert_array_equal(
            np.concatenate(found), np.arange(num_examples)
        )


if __name__ == "__main__":
    absltest.main()

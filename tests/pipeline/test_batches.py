import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

import cifar10_tf
from cifar10_tf.pipeline.batches import (
    Batches,
    make_eval,
    make_train,
    steps_per_epoch,
    to_float,
)
from cifar10_tf.pipeline.pixels import scale_down
from cifar10_tf.settings import augmentations
from tests import fakes

_SIZES = st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32 - 1)


def _numbered_arrays(num_examples):
    """Images whose every pixel, and labels that, are the example's index."""
    labels = np.arange(num_examples)
    images = np.broadcast_to(
        labels.astype(np.uint8)[:, None, None, None], (num_examples, 2, 2, 3)
    )
    return images, labels


def _train_indices(num_examples, batch_size, seed, first_step, last_step):
    ds = make_train(
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
        steps = steps_per_epoch(num_examples, batch_size)
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
        ds = make_train(
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
            expected = labels.argmax(axis=1).astype(np.float32) / 255
            np.testing.assert_allclose(
                images,
                np.broadcast_to(expected[:, None, None, None], images.shape),
                atol=1e-7,
            )

    def test_without_last_step_it_goes_on(self):
        ds = make_train(
            *_numbered_arrays(4), num_classes=4, batch_size=4, seed=1
        )
        self.assertLen(list(ds.take(50)), 50)


class BatchesTest(absltest.TestCase):
    def _batches(self, **kwargs):
        return Batches(*_numbered_arrays(20), num_classes=20, seed=3, **kwargs)

    def _indices(self, *args, **kwargs):
        batches = self._batches().shuffled(*args, **kwargs)
        return [
            y.argmax(axis=1).tolist() for _, y in batches.as_numpy_iterator()
        ]

    def test_epochs_of_some_examples_in_turn(self):
        subsets = np.array([[2, 3, 5, 7, 11], [0, 1, 5, 7, 19]])
        steps = self._indices(2, 0, 12, subsets)  # three in an epoch
        epochs = [
            list(itertools.chain(*steps[i : i + 3])) for i in range(0, 12, 3)
        ]
        self.assertCountEqual(epochs[0], subsets[0])
        self.assertCountEqual(epochs[1], subsets[1])
        self.assertCountEqual(epochs[2], subsets[0])
        self.assertNotEqual(epochs[0], epochs[2])
        self.assertEqual(self._indices(2, 4, 12, subsets), steps[4:])

    def test_a_subset_of_all_is_no_change(self):
        subsets = np.arange(20)[None]
        self.assertEqual(
            self._indices(8, 0, 9, subsets), self._indices(8, 0, 9)
        )

    def test_scaled_down_they_are_the_same_examples(self):
        batches = Batches(
            *fakes.random_arrays(20), num_classes=10, augment="flip,mixup"
        )
        for (x, y), (small, small_y) in zip(
            batches.shuffled(8, 1, 4),
            batches.shuffled(8, 1, 4, image_size=4),
            strict=True,
        ):
            self.assertEqual(small.shape[1:], (4, 4, 3))
            np.testing.assert_allclose(small, scale_down(x, 4), atol=1e-6)
            np.testing.assert_array_equal(small_y, y)

    def test_in_order_they_are_as_they_are(self):
        images, labels = fakes.random_arrays(30)
        batches = Batches(
            images, labels, num_classes=10, seed=3, augment="flip,crop=2,cutout"
        )
        seen = list(batches.in_order(8).unbatch().as_numpy_iterator())
        np.testing.assert_allclose(
            [x * 255 for x, _ in seen], images, atol=1e-4
        )
        np.testing.assert_array_equal([y.argmax() for _, y in seen], labels)


_EVERYTHING = (
    "flip,crop=2,randaugment,cutout=3,cutmix,brightness,contrast,mixup"
)


def _batches(augment, num_examples=50, batch_size=20, threads=None, **kwargs):
    images, labels = fakes.random_arrays(num_examples)
    ds = make_train(
        images,
        labels,
        num_classes=10,
        batch_size=batch_size,
        seed=5,
        augment=augment,
        **kwargs,
    )
    if threads:
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        ds = ds.with_options(options)
    return list(ds.as_numpy_iterator())


@functools.cache
def _epoch(augment):
    return _batches(augment, last_step=3)


@functools.cache
def _all_steps():
    return _batches(_EVERYTHING, last_step=9)


def _assert_equal(one, other):
    tf.nest.map_structure(np.testing.assert_array_equal, one, other)


class AugmentTest(parameterized.TestCase):
    @parameterized.parameters(
        "none", *augmentations.AUGMENTATIONS, "flip,crop", _EVERYTHING
    )
    def test_form(self, augment):
        epoch = _epoch(augment)
        self.assertEqual([len(images) for images, _ in epoch], [20, 20, 10])
        for images, labels in epoch:
            self.assertEqual(images.shape[1:], (32, 32, 3))
            self.assertEqual(labels.shape[1:], (10,))
            self.assertEqual((images.dtype, labels.dtype), ("float32",) * 2)
            self.assertBetween(images.min(), 0, 1)
            self.assertBetween(images.max(), 0, 1)
            np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)

    @parameterized.parameters(*augmentations.AUGMENTATIONS)
    def test_each_changes_the_images(self, name):
        plain = np.concatenate([x for x, _ in _epoch("none")])
        changed = np.concatenate([x for x, _ in _epoch(name)])
        self.assertFalse(np.array_equal(plain, changed))

    @given(st.integers(0, 8), st.sampled_from([1, 2, 4]))
    @settings(max_examples=3, deadline=None)
    @pytest.mark.slow
    def test_the_same_from_any_start_and_for_any_parallelism(
        self, first_step, threads
    ):
        part = _batches(
            _EVERYTHING, first_step=first_step, last_step=9, threads=threads
        )
        _assert_equal(part, _all_steps()[first_step:])

    def test_none_depends_on_what_else_is_asked_for(self):
        flipped = _batches("flip,crop", last_step=2)
        mixed = _batches("flip,crop,cutout=1", last_step=2)
        for (one, _), (other, _) in zip(flipped, mixed, strict=True):
            share = (one == other).all(axis=-1).mean()
            self.assertBetween(share, 1 - 1 / 1024, 1)

    def test_flips_and_shifts_are_those_that_they_should_be(self):
        num_examples = 10_000
        images = np.broadcast_to(
            np.arange(9, dtype=np.uint8).reshape(3, 3, 1),
            (num_examples, 3, 3, 1),
        )
        ds = make_train(
            images,
            np.zeros(num_examples, np.int64),
            num_classes=1,
            batch_size=num_examples,
            seed=1,
            augment="flip,zero_crop=1",
            last_step=1,
        )
        [(found, _)] = ds.as_numpy_iterator()
        views, counts = np.unique(found, axis=0, return_counts=True)
        self.assertLen(views, 2 * 9)
        deviation = np.abs(counts - num_examples / 18).max()
        self.assertLess(deviation, 5 * (num_examples / 18) ** 0.5)

    def test_alternating_flip_mirrors_each_in_every_second_epoch(self):
        images = np.zeros((100, 2, 2, 1), np.uint8)
        images[:, :, 0] = 1
        epochs = []
        for images_, labels in make_train(
            images,
            np.arange(100),
            num_classes=100,
            batch_size=100,
            seed=1,
            augment="alternating_flip",
            last_step=4,
        ).as_numpy_iterator():
            mirrored = images_[:, 0, 1, 0] > 0
            epochs.append(mirrored[labels.argmax(axis=1).argsort()])
        self.assertBetween(epochs[0].mean(), 0.25, 0.75)
        np.testing.assert_array_equal(epochs[1], ~epochs[0])
        np.testing.assert_array_equal(epochs[2], epochs[0])
        np.testing.assert_array_equal(epochs[3], epochs[1])


class ArraysTest(parameterized.TestCase):
    @parameterized.parameters(
        ({"images": np.zeros((2, 4, 4, 3), np.float32)}, "of floats in"),
        ({"images": np.zeros((2, 4, 4), np.uint8)}, r"4\]; of grey images"),
        ({"images": np.zeros((4, 3), np.uint8)}, r"uint8 \[4, 3\]\."),
        ({"images": np.zeros((0, 4, 4, 3), np.uint8)}, "labels"),
        ({"labels": np.zeros((2, 1), np.int64)}, r"\[2, 1\]"),
        ({"labels": np.zeros(2)}, "float64"),
        ({"labels": np.array([0, 5])}, "0 to 5"),
        ({"labels": np.array([-1, 1])}, "-1 to 1"),
        ({"labels": [[0], [1, 2]]}, "labels must have one shape"),
        ({"images": [np.zeros((n, 4, 3)) for n in (4, 5)]}, "images must have"),
    )
    def test_mistakes_are_named(self, change, message):
        arrays = {
            "images": np.zeros((2, 4, 4, 3), np.uint8),
            "labels": np.zeros(2, np.int64),
        } | change
        sizes = {"num_classes": 5, "batch_size": 2}
        with self.assertRaisesRegex(ValueError, message):
            make_train(**arrays, **sizes, seed=1)
        with self.assertRaisesRegex(ValueError, message):
            make_eval(**arrays, **sizes)

    @parameterized.parameters(*"bBhHiIqQ")
    def test_labels_of_any_integer_type(self, dtype):
        images, labels = fakes.random_arrays(4)
        for make in (make_train, make_eval):
            kwargs = {"seed": 1} if make is make_train else {}
            ds = make(
                images,
                labels.astype(dtype),
                num_classes=10,
                batch_size=4,
                **kwargs,
            )
            one_hot = next(ds.take(1).as_numpy_iterator())[1]
            self.assertCountEqual(one_hot.argmax(axis=1), labels)

    def test_lists_and_no_augmentation(self):
        images, labels = fakes.random_arrays(4)
        sizes = {"num_classes": 10, "batch_size": 4, "seed": 1}
        expected, lists = (
            next(make_train(*data, **sizes, **more).as_numpy_iterator())
            for data, more in (
                ((images, labels), {}),
                ((list(images), labels.tolist()), {"augment": None}),
            )
        )
        for one, other in zip(expected, lists, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_other_mistakes_are_named(self):
        images, labels = fakes.random_arrays(4)
        sizes = {"num_classes": 10, "batch_size": 4, "seed": 1}
        with self.assertRaisesRegex(ValueError, "batch_size"):
            make_train(images, labels, **sizes | {"batch_size": 0})
        for seed in (-1, 2**32):
            with self.assertRaisesRegex(ValueError, "seed"):
                make_train(images, labels, **sizes | {"seed": seed})
        with self.assertRaisesRegex(ValueError, "first_step"):
            make_train(images, labels, **sizes, first_step=-1)
        with self.assertRaisesRegex(ValueError, "3 channels"):
            make_train(images[..., :1], labels, **sizes, augment="randaugment")
        with self.assertRaisesRegex(ValueError, "flop"):
            make_train(images, labels, **sizes, augment="flop")
        with self.assertRaisesRegex(ValueError, "text.*flip,crop=4"):
            make_train(images, labels, **sizes, augment=["flip"])

    def test_the_package_offers_the_pipeline(self):
        self.assertIs(cifar10_tf.make_train, make_train)
        self.assertIs(cifar10_tf.make_eval, make_eval)
        with self.assertRaises(AttributeError):
            cifar10_tf.make_tea  # noqa: B018


class TuningTest(absltest.TestCase):
    def test_no_thread_that_an_iterators_end_waits_for(self):
        arrays = _numbered_arrays(4)
        sizes = {"num_classes": 4, "batch_size": 4}
        for dataset in (
            make_train(*arrays, seed=1, **sizes),
            make_eval(*arrays, **sizes).map(lambda *pair: pair),
        ):
            self.assertFalse(dataset.options().autotune.enabled)

    def test_who_builds_on_it_may_turn_tuning_on(self):
        dataset = make_train(
            *_numbered_arrays(4), num_classes=4, batch_size=4, seed=1
        )
        tuned = tf.data.Options()
        tuned.autotune.enabled = True
        built = dataset.map(lambda *pair: pair).with_options(tuned)
        self.assertTrue(built.options().autotune.enabled)


class ToFloatTest(absltest.TestCase):
    def test_every_value(self):
        pixels = np.arange(256, dtype=np.uint8)
        found = to_float(tf.constant(pixels))
        np.testing.assert_array_equal(found, pixels * np.float32(1 / 255))


class MakeEvalTest(absltest.TestCase):
    @given(st.integers(1, 60), st.integers(1, 70))
    @settings(max_examples=20, deadline=None)
    def test_every_example_in_order(self, num_examples, batch_size):
        ds = make_eval(
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

import numpy as np
from absl.testing import absltest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.datasets.validation_split import split_train


class SplitTrainTest(absltest.TestCase):
    @given(
        st.integers(1, 5),
        st.integers(1, 40),
        st.floats(0, 0.9),
        st.integers(0, 100),
    )
    @settings(deadline=None)
    def test_parts_are_disjoint_and_balanced(
        self, num_classes, per_class, fraction, most
    ):
        labels = np.repeat(np.arange(num_classes), per_class)
        try:
            train, validation = split_train(labels, fraction, most)
        except ValueError:
            self.assertEqual(round(len(labels) * fraction), len(labels))
            return
        self.assertEmpty(set(train) & set(validation))
        for part in (train, validation):
            self.assertTrue((np.diff(part) > 0).all())
            counts = np.bincount(labels[part], minlength=num_classes)
            self.assertLessEqual(np.ptp(counts), 1)
        if most:
            self.assertLessEqual(len(train), most)
        else:
            self.assertLen(validation, round(len(labels) * fraction))
            self.assertLen(train, len(labels) - len(validation))

    @given(
        st.lists(st.integers(1, 60), min_size=2, max_size=6),
        st.floats(0, 0.7),
    )
    @settings(deadline=None)
    def test_classes_of_any_size_keep_their_shares(self, sizes, fraction):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        train, validation = split_train(labels, fraction)
        self.assertLen(validation, round(len(labels) * fraction))
        held_out = np.bincount(labels[validation], minlength=len(sizes))
        # There is one share of which each class holds out the floor.
        self.assertLessEqual(
            (held_out / sizes).max(), ((held_out + 1) / sizes).min()
        )
        if len(train) >= len(sizes):
            self.assertLen(np.unique(labels[train]), len(sizes))

    def test_fewer_examples_are_part_of_all(self):
        labels = np.repeat(np.arange(10), 50)
        train, validation = split_train(labels, 0.3)
        few_train, few_validation = split_train(labels, 0.3, 35)
        self.assertLen(few_train, 35)
        self.assertLen(few_validation, 15)
        self.assertContainsSubset(few_train, train)
        self.assertContainsSubset(few_validation, validation)

    def test_held_out_examples_come_from_everywhere(self):
        labels = np.zeros(1000, np.int64)
        _, validation = split_train(labels, 0.3)
        self.assertBetween(np.median(validation), 400, 600)

    def test_nothing_left_to_train_on(self):
        with self.assertRaisesRegex(ValueError, "0.99"):
            split_train(np.arange(10), 0.99)


if __name__ == "__main__":
    absltest.main()

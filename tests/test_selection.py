from unittest import mock

import numpy as np
from absl.testing import absltest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf import config as config_lib
from cifar10_tf import datasets, run_data, selection
from cifar10_tf.checkpoint import Checkpoint
from cifar10_tf.datasets import Examples, ImageDataset
from tests import fakes


class RoundsTest(absltest.TestCase):
    @given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 99))
    @settings(deadline=None)
    def test_hard_images_come_each_epoch_and_easy_ones_once_in_all(
        self, num_train, easy_every, seed
    ):
        num_easy = selection._num_easy(num_train, easy_every)
        is_easy = np.arange(num_train) < num_easy
        np.random.RandomState(seed).shuffle(is_easy)
        rounds = selection.rounds(is_easy, easy_every)
        num_an_epoch = selection.num_an_epoch(num_train, easy_every)
        self.assertEqual(rounds.shape, (easy_every, num_an_epoch))
        times = np.bincount(rounds.ravel(), minlength=num_train)
        np.testing.assert_array_equal(times, np.where(is_easy, 1, easy_every))
        for indices in rounds:
            self.assertLen(set(indices), num_an_epoch)

    def test_the_easy_are_half(self):
        self.assertEqual(selection.num_an_epoch(48_000, 3), 24_000 + 8000)
        self.assertEqual(selection.num_an_epoch(48_000, 1), 48_000)


class EasyImagesTest(absltest.TestCase):
    """Of 900 images of ten colours, a third has labels by chance."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        noise, labels = fakes.random_arrays(900)
        colours = np.random.RandomState(1).randint(0, 200, (10, 1, 1, 3))
        images = (noise // 5 + colours[labels]).astype(np.uint8)
        cls.is_wrong = np.arange(900) % 3 == 0
        chance = np.random.RandomState(2).randint(0, 10, 900)
        labels = np.where(cls.is_wrong, chance, labels)
        examples = Examples(images, labels)
        cls.dataset = ImageDataset(
            source="",
            train=examples,
            test=examples,
            class_names=tuple("abcdefghij"),
        )
        cls.found = cls._easy_images()

    @classmethod
    def _data(cls, easy_every):
        config = config_lib.make_config(
            model="speedrun_m", easy_every=easy_every, validation_fraction=0.0
        )
        with mock.patch.object(datasets, "load", return_value=cls.dataset):
            return config, run_data.load(config)

    @classmethod
    def _easy_images(cls, easy_every=3, found=None):
        return selection.easy_images(*cls._data(easy_every), found)

    def test_wrong_labels_are_hard(self):
        self.assertEqual(self.found.sum(), 450)
        wrong = self.is_wrong[self.found].mean()
        self.assertLess(wrong, 0.15)  # by chance, a third

    def test_a_checkpoint_has_the_answer(self):
        other = np.roll(self.found, 1)
        record = {"easy_images": selection.to_text(other)}
        np.testing.assert_array_equal(
            self._easy_images(found=Checkpoint(9, [], record)), other
        )

    def test_without_a_use_for_them_none_is_easy(self):
        with mock.patch.object(selection, "_probabilities") as asked:
            self.assertFalse(self._easy_images(easy_every=1).any())
        asked.assert_not_called()

    def test_a_forged_answer_is_none(self):
        forged = None, 7, "zz", "00", "ff" * 200
        probabilities = self.found.astype(np.float32)
        with mock.patch.object(
            selection, "_probabilities", return_value=probabilities
        ):
            for text in forged:
                found = Checkpoint(9, [], {"easy_images": text})
                np.testing.assert_array_equal(
                    self._easy_images(found=found), self.found
                )


if __name__ == "__main__":
    absltest.main()

from unittest import mock

import numpy as np
from absl.testing import absltest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.datasets.loading import Examples, ImageDataset
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.settings.config import make_config
from cifar10_tf.training import easy_images, proxy_model, training_data
from tests import fakes


class EpochSubsetsTest(absltest.TestCase):
    @given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 99))
    @settings(deadline=None)
    def test_hard_images_come_each_epoch_and_easy_ones_once_in_all(
        self, num_train, easy_every, seed
    ):
        num_easy = easy_images._num_easy(num_train, easy_every)
        is_easy = np.arange(num_train) < num_easy
        np.random.RandomState(seed).shuffle(is_easy)
        subsets = easy_images.epoch_subsets(is_easy, easy_every)
        size = easy_images.examples_per_epoch(num_train, easy_every)
        self.assertEqual(subsets.shape, (easy_every, size))
        times = np.bincount(subsets.ravel(), minlength=num_train)
        np.testing.assert_array_equal(times, np.where(is_easy, 1, easy_every))
        for indices in subsets:
            self.assertLen(set(indices), size)

    def test_the_easy_are_half(self):
        self.assertEqual(
            easy_images.examples_per_epoch(48_000, 3), 24_000 + 8000
        )
        self.assertEqual(easy_images.examples_per_epoch(48_000, 1), 48_000)


class FindEasyImagesTest(absltest.TestCase):
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
        config = make_config(
            model="speedrun_m", easy_every=easy_every, validation_fraction=0.0
        )
        with mock.patch.object(
            training_data, "load_dataset", return_value=cls.dataset
        ):
            return config, training_data.load(config)

    @classmethod
    def _easy_images(cls, easy_every=3, found=None):
        return easy_images.find_easy_images(*cls._data(easy_every), found)

    def test_wrong_labels_are_hard(self):
        self.assertEqual(self.found.sum(), 450)
        wrong = self.is_wrong[self.found].mean()
        self.assertLess(wrong, 0.15)  # by chance, a third

    def test_a_checkpoint_has_the_answer(self):
        other = np.roll(self.found, 1)
        record = {"easy_images": easy_images.to_text(other)}
        np.testing.assert_array_equal(
            self._easy_images(found=Checkpoint(9, [], record)), other
        )

    def test_without_a_use_for_them_none_is_easy(self):
        with mock.patch.object(proxy_model, "label_probabilities") as asked:
            self.assertFalse(self._easy_images(easy_every=1).any())
        asked.assert_not_called()

    def test_a_forged_answer_is_none(self):
        forged = None, 7, "zz", "00", "ff" * 200
        probabilities = self.found.astype(np.float32)
        with mock.patch.object(
            proxy_model, "label_probabilities", return_value=probabilities
        ):
            for text in forged:
                found = Checkpoint(9, [], {"easy_images": text})
                np.testing.assert_array_equal(
                    self._easy_images(found=found), self.found
                )


if __name__ == "__main__":
    absltest.main()

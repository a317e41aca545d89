from unittest import mock

from absl.testing import absltest

from cifar10_tf.settings.config import make_config
from cifar10_tf.training import progress


class AnnouncementTest(absltest.TestCase):
    def _data(self, num_train, num_validation=0):
        return mock.Mock(num_train=num_train, num_validation=num_validation)

    def test_the_recipe(self):
        for settings, text in (
            ({"epochs": 1}, r"Recipe: 1 epoch in batches of 256.*none\.$"),
            (
                {"model": "vit_tiny", "ema": 0.5},
                r"Recipe: 200 epochs.*, weight decay 0.03, warmup 0.025, "
                r"label smoothing 0.1, ema 0.5\.$",
            ),
        ):
            with self.assertLogs("cifar10_tf", "INFO") as logs:
                progress.announce(
                    make_config(**settings), mock.Mock(), self._data(9)
                )
            self.assertRegex(logs.output[1], text)

    def test_sizes_that_teach_nothing(self):
        config = make_config(batch_size=256)
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            progress.warn_of_sizes(config, self._data(200, 2))
        self.assertLen(logs.output, 2)
        self.assertIn("Choose a --batch_size of 10", logs.output[0])
        self.assertIn("of 2 images, and goes in steps of 50", logs.output[1])
        with self.assertNoLogs("cifar10_tf", "WARNING"):
            progress.warn_of_sizes(config, self._data(256))
            progress.warn_of_sizes(config, self._data(256, 50))


if __name__ == "__main__":
    absltest.main()

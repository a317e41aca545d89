"""What a run leaves that does not come to its end, in this process."""

import shutil
from unittest import mock

import keras
from absl.testing import absltest

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system import interruption
from cifar10_tf.training import loop, trainer
from tests import cases, fakes

_NETWORK = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])


class StopTest(cases.MachineTestCase):
    def setUp(self):
        super().setUp()
        self.pets = fakes.write_folder(
            self.cache / "old" / "pets",
            {"train/cat": 5, "train/dog": 5, "test/cat": 1, "test/dog": 1},
        )
        self.run_dir = RunDirectory(self.cache / "run")
        for name in "compiled_model", "_provenance":
            self.enter_context(mock.patch.object(trainer, name))
        trainer.compiled_model.return_value = _NETWORK
        self.addCleanup(interruption.release)

    def _train(self, fit):
        """Trains as far as `fit` goes, in place of the loop."""
        config = make_config(
            dataset=f"folder:{self.pets}", run_dir=str(self.run_dir.path)
        )
        with mock.patch.object(loop, "fit", fit):
            trainer.train(config)

    def test_the_config_says_where_the_data_are_before_a_checkpoint(self):
        def stop(*args, **kwargs):
            raise interruption.Interrupted("SIGTERM", 143)

        for place in "old", "new":
            moved = self.cache / place / "pets"
            if moved != self.pets:
                self.pets = shutil.move(self.pets, moved)
            with self.assertRaises(interruption.Interrupted) as caught:
                self._train(stop)
            self.assertFalse(caught.exception.can_go_on)
            config = self.run_dir.read_config()
            self.assertEqual(config.dataset, f"folder:{moved}")


if __name__ == "__main__":
    absltest.main()

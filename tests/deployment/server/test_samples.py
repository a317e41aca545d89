import json
import pathlib

import numpy as np
from absl.testing import absltest

from cifar10_tf.deployment.server import model_card
from cifar10_tf.deployment.server.samples import Samples
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from tests import fakes
from tests.cases import MachineTestCase
from tests.deployment.fake_runtime import Brightness
from tests.report import run_directories


class SamplesTest(MachineTestCase):
    def _samples(self, **settings):
        run = RunDirectory(self.create_tempdir().full_path)
        run.write_config(make_config(**settings))
        return Samples(run)

    def test_draws_of_the_test_split(self):
        folder = fakes.write_folder(
            pathlib.Path(self.create_tempdir().full_path),
            {"train/cat": 2, "train/dog": 2, "test/dog": 5},
        )
        samples = self._samples(dataset=f"folder:{folder}")
        drawn = samples.draw(3)
        self.assertEqual([sample["label"] for sample in drawn], ["dog"] * 3)
        self.assertLen({sample["image"] for sample in drawn}, 3)
        self.assertStartsWith(drawn[0]["image"], "data:image/png;base64,")
        self.assertLen(samples.draw(24), 5)

    def test_images_that_are_not_here(self):
        with self.assertRaisesRegex(UserError, "not prepared on this machine"):
            self._samples(dataset="cifar10").draw(1)


class ModelCardTest(MachineTestCase):
    def test_it_has_what_the_page_shows(self):
        labels = np.arange(30) % 3
        run = run_directories.write(
            pathlib.Path(self.create_tempdir().full_path) / "run",
            labels,
            run_directories.random_predictions(labels, seed=0),
        )
        card = model_card.of_run(run, Brightness(), {})
        self.assertEqual(card["title"], "dropout on CIFAR-10")
        self.assertEqual(card["classes"], ["dark", "<grey>", "bright"])
        page = pathlib.Path(model_card.__file__).parent / "page/page.js"
        for name in card:
            if f"model.{name}" in page.read_text("utf-8"):
                self.assertIsNotNone(card[name])
        json.dumps(card)


if __name__ == "__main__":
    absltest.main()

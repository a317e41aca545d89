import os
import pathlib
import zipfile
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest

from cifar10_tf.models import cnn
from cifar10_tf.models.layers.fused_batch_normalization import (
    FusedBatchNormalization,
)
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError

_IMAGES = np.random.RandomState(0).uniform(size=(5, 4, 4, 1))


def _build(*, num_classes: int) -> keras.Model:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(3, 3)(inputs)
    x = FusedBatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(num_classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


class SavedModelTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(cnn, "build_dropout", _build))
        self.run_dir = RunDirectory(self.create_tempdir().full_path)
        self.run_dir.open(make_config(dataset="synthetic10"))
        self.model = _build(num_classes=2)
        kernel = np.full((3, 2), 10.0) * [[1, 0], [-1, 1], [0, 0]]
        self.model.layers[-1].set_weights([kernel, np.array([0.0, 1.0])])
        saved_model.save(self.model, self.run_dir)

    def test_it_computes_the_same(self):
        loaded = saved_model.load(self.run_dir, 2)
        expected = self.model(_IMAGES)
        np.testing.assert_allclose(loaded(_IMAGES), expected, rtol=1e-5)
        self.assertGreater(np.ptp(expected), 0.01)

    def test_plain_keras_can_evaluate_it(self):
        model = keras.models.load_model(self.run_dir.model)
        for layer in model.layers:
            self.assertStartsWith(type(layer).__module__, "keras.")
        labels = np.eye(2)[[0, 1, 0, 1, 0]]
        loss, accuracy = model.evaluate(_IMAGES, labels, verbose=0)
        probabilities = self.model(_IMAGES).numpy()
        self.assertAlmostEqual(
            loss, -np.log(probabilities[labels > 0]).mean(), places=5
        )
        self.assertAlmostEqual(
            accuracy, (probabilities[labels > 0] > 0.5).mean(), places=5
        )

    def test_it_is_missing(self):
        self.run_dir.model.unlink()
        with self.assertRaisesRegex(UserError, "is missing.*--restart"):
            saved_model.load(self.run_dir, 2)

    def test_it_tells_other_classes_apart(self):
        with self.assertRaisesRegex(UserError, "no dropout that tells 3 class"):
            saved_model.load(self.run_dir, 3)

    def _replace(self, name: str, content: bytes):
        """Puts another file into the archive of the model."""
        with zipfile.ZipFile(self.run_dir.model) as archive:
            files = {n: archive.read(n) for n in archive.namelist()}
        with zipfile.ZipFile(self.run_dir.model, "w") as archive:
            for n, old in files.items():
                archive.writestr(n, content if n == name else old)

    def test_nothing_but_numbers_is_taken_from_the_file(self):
        self._replace("config.json", b"exit(1)")
        loaded = saved_model.load(self.run_dir, 2)
        np.testing.assert_allclose(
            loaded(_IMAGES), self.model(_IMAGES), rtol=1e-5
        )

    def test_a_model_with_code_in_it_is_refused(self):
        traces = str(self.run_dir.path / "traces")
        inputs = keras.Input((4, 4, 1))
        outputs = keras.layers.Lambda(
            lambda x: [os.mkdir(traces), x][1], output_shape=(4, 4, 1)
        )(inputs)
        keras.Model(inputs, outputs).save(self.run_dir.model)
        with self.assertRaisesRegex(UserError, "model.keras can't be loaded"):
            saved_model.load(self.run_dir, 2)
        self.assertFalse(pathlib.Path(traces).exists())

    def test_another_network_is_refused(self):
        for layers in [keras.layers.Conv2D(2, 3)], [keras.layers.Flatten()], []:
            model = keras.Sequential([keras.Input((4, 4, 1)), *layers])
            model.save(self.run_dir.model)
            with self.assertRaisesRegex(UserError, "or no dropout that tells"):
                saved_model.load(self.run_dir, 2)

    def test_damage_is_noticed(self):
        content = bytearray(self.run_dir.model.read_bytes())
        weight = content.index(np.float32(10.0).tobytes())
        content[weight + 2] ^= 1
        self.run_dir.model.write_bytes(content)
        with self.assertRaisesRegex(UserError, "model.keras can't be loaded"):
            saved_model.load(self.run_dir, 2)


if __name__ == "__main__":
    absltest.main()

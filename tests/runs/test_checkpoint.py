import io
import os
import pathlib
import random
import zipfile
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.runs import checkpoint
from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.settings.config import make_config
from cifar10_tf.settings.models import MODELS
from cifar10_tf.training.compiled_model import compiled_model
from tests.models import families


class FilesTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def _write(self, step):
        arrays = [np.arange(6.0).reshape(2, 3), np.array(step), np.zeros(0)]
        checkpoint.write(
            self.directory, Checkpoint(step, arrays, {"history": [{"a": 0.1}]})
        )
        (path,) = self.directory.glob(f"step-{step:08}-*")
        return path

    def _write_raw(self, content):
        name = f"{checkpoint._stem(1, content)}.zip"
        (self.directory / name).write_bytes(content)

    def test_round_trip(self):
        self._write(7)
        found = checkpoint.newest(self.directory)
        self.assertEqual(found.step, 7)
        self.assertEqual(found.record, {"history": [{"a": 0.1}]})
        first, second, third = found.arrays
        np.testing.assert_array_equal(first.view(np.float64), np.arange(6.0))
        self.assertEqual(second.view(np.int64), 7)
        self.assertEmpty(third)

    def test_there_is_none(self):
        (self.directory / "step-1.zip").write_text("something else")
        self.assertIsNone(checkpoint.newest(self.directory))

    def test_the_two_newest_are_kept(self):
        paths = [self._write(step) for step in (5, 6, 7, 100_000_000)]
        self.assertCountEqual(self.directory.iterdir(), paths[2:])
        self.assertEqual(checkpoint.newest(self.directory).step, 100_000_000)

    def test_damage_is_named_and_passed_over(self):
        path = self._write(5)
        content = path.read_bytes()
        rng = random.Random(0)
        size = len(content)
        flipped = [(i, 1 << rng.randrange(8)) for i in range(0, size, 29)]
        damaged = [
            content[:i] + bytes([content[i] ^ bit]) + content[i + 1 :]
            for i, bit in flipped
        ] + [content[:i] for i in range(0, size, 29)]
        name = path.name
        path.unlink()
        self._write(4)
        for bad in damaged:
            path.write_bytes(bad)
            with self.assertLogs("cifar10_tf", "WARNING") as logs:
                self.assertEqual(checkpoint.newest(self.directory).step, 4)
            self.assertIn(name, logs.output[0])
            self.assertTrue(path.with_name(f"{name}.damaged").exists())
            self.assertFalse(path.exists())

    def test_what_can_not_be_written_leaves_the_others(self):
        kept = [self._write(5), self._write(6)]
        error = OSError(28, "No space left on device")
        for where in ("pathlib.Path.write_bytes", "os.fsync", "os.replace"):
            with (
                mock.patch(where, side_effect=error),
                self.assertRaises(OSError),
            ):
                self._write(7)
            self.assertCountEqual(self.directory.iterdir(), kept)

    def test_a_step_of_another_is_damage(self):
        path = self._write(5)
        path.rename(str(path).replace("-00000005-", "-00000006-"))
        self.assertIsNone(checkpoint.newest(self.directory))

    def test_pickles_are_not_read(self):
        class Bomb:
            def __reduce__(self):
                return os.mkdir, (str(pathlib.Path(directory) / "exploded"),)

        directory = self.directory
        buffer = io.BytesIO()
        np.savez(buffer, **{"record": np.array([Bomb()]), "0": np.zeros(1)})
        self._write_raw(buffer.getvalue())
        self.assertIsNone(checkpoint.newest(self.directory))
        self.assertFalse((self.directory / "exploded").exists())

    def test_what_cannot_be_read_is_not_taken_for_damaged(self):
        self._write_raw(b"")
        with (
            mock.patch.object(
                pathlib.Path, "read_bytes", side_effect=OSError(5, "I/O")
            ),
            self.assertRaises(OSError),
        ):
            checkpoint.newest(self.directory)
        self.assertEmpty(list(self.directory.glob("*.damaged")))

    def test_bombs_are_not_read(self):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("record.json", "{}")
            archive.writestr("0", bytes(9999))
        self._write_raw(buffer.getvalue())
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self.assertIsNone(checkpoint.newest(self.directory))
        self.assertIn("compressed", logs.output[0])

    def test_other_files_with_the_right_digest(self):
        empty = io.BytesIO()
        zipfile.ZipFile(empty, "w").close()
        for content in b"", b"no zip", empty.getvalue():
            self._write_raw(content)
            self.assertIsNone(checkpoint.newest(self.directory))


class StateTest(absltest.TestCase):
    def test_every_dtype_comes_back(self):
        directory = pathlib.Path(self.create_tempdir().full_path)
        model = keras.Sequential([keras.Input((3,))])
        for dtype in "float32", "bfloat16", "float16":
            model.add(keras.layers.Dense(2, dtype=dtype))
        model.add(keras.layers.Dropout(0.5))
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        before = checkpoint.capture(model)
        dtypes = {dtype for _, _, dtype in checkpoint.describe(model)}
        self.assertContainsSubset(
            {"float32", "bfloat16", "float16", "int64"}, dtypes
        )
        checkpoint.write(directory, Checkpoint(1, before, {}))
        for variable in [*model.variables, *model.optimizer.variables]:
            variable.assign(keras.ops.ones_like(variable))
        checkpoint.restore(model, checkpoint.newest(directory).arrays)
        for one, other in zip(before, checkpoint.capture(model), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_a_copy_stays_what_it_was(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile("sgd", "mse")
        before = checkpoint.capture(model)
        expected = [array.copy() for array in before]
        for variable in model.trainable_variables:
            variable.assign_add(keras.ops.ones_like(variable))
        for one, other in zip(before, expected, strict=True):
            np.testing.assert_array_equal(one, other)


class ModelsTest(parameterized.TestCase):
    def _compiled(self, name, seed):
        keras.utils.clear_session()  # the same names
        keras.utils.set_random_seed(seed)
        return compiled_model(
            make_config(model=name), num_classes=10, num_steps=9
        )

    @parameterized.parameters(*families.smallest_of_each())
    def test_built_again_it_comes_back_to_the_bit(self, name):
        keras.config.set_dtype_policy("mixed_float16")  # with loss scaling
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        directory = pathlib.Path(self.create_tempdir().full_path)
        one, other = (self._compiled(name, seed) for seed in (1, 2))
        self.assertEqual(checkpoint.describe(one), checkpoint.describe(other))
        for variable in one.optimizer.variables:
            if variable.ndim:  # momentums
                variable.assign(variable + 0.125)
        expected = checkpoint.capture(one)
        # As a file has them: hundreds of megabytes need not go to the disk.
        arrays = [np.frombuffer(a.tobytes(), np.uint8) for a in expected]
        if MODELS[name].num_params < 10**7:
            checkpoint.write(directory, Checkpoint(1, expected, {}))
            arrays = checkpoint.newest(directory).arrays
        checkpoint.restore(other, [np.zeros_like(a) for a in expected])
        self.assertFalse(any(map(np.any, checkpoint.capture(other))))
        checkpoint.restore(other, arrays)
        found = checkpoint.capture(other)
        for array, same in zip(found, expected, strict=True):
            self.assertEqual(array.tobytes(), same.tobytes())

    def test_the_models_have_every_optimizer(self):
        def optimizers(names):
            return {MODELS[name].recipe["optimizer"] for name in names}

        self.assertEqual(
            optimizers(families.smallest_of_each()), optimizers(MODELS)
        )


if __name__ == "__main__":
    absltest.main()

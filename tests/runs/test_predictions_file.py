import contextlib
import pathlib

import numpy as np
from absl.testing import absltest, parameterized
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.runs import predictions_file
from cifar10_tf.system.errors import UserError


class PredictionsFileTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        directory = pathlib.Path(self.create_tempdir().full_path)
        self.path = directory / "test_predictions.npz"

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=20, deadline=None)
    def test_the_most_probable_class_stays(self, seed):
        rng = np.random.default_rng(seed)
        probabilities = rng.dirichlet([1] * 4, 50).astype(np.float32)
        # Closer than float16 tells apart.
        probabilities[:25] = 0.25 + rng.normal(0, 1e-6, (25, 4))
        labels = rng.integers(0, 4, 50)
        predictions_file.write(self.path, probabilities, labels)
        read = predictions_file.read(self.path)
        self.assertEqual(read.probabilities.dtype, np.float16)
        self.assertEqual(read.labels.dtype, np.int64)
        np.testing.assert_array_equal(read.labels, labels)
        np.testing.assert_array_equal(
            read.probabilities.argmax(axis=1), probabilities.argmax(axis=1)
        )
        np.testing.assert_allclose(read.probabilities, probabilities, atol=1e-3)

    @parameterized.parameters(
        {"labels": np.zeros(3, np.int64)},
        {"labels": np.array([0, 5])},
        {"labels": np.array([-1, 0])},
        {"labels": np.zeros(2, np.float32)},
        {"probabilities": np.zeros((2, 3), np.float32)},
        {"probabilities": np.zeros(2, np.float16)},
        {"probabilities": np.full((2, 3), np.nan, np.float16)},
        {"probabilities": np.array([[{}, 1]])},
    )
    def test_what_is_something_else_is_refused(self, **arrays):
        good = {
            "probabilities": np.zeros((2, 3), np.float16),
            "labels": np.zeros(2, np.int64),
        }
        np.savez(self.path, **(good | arrays))
        with self.assertRaisesRegex(UserError, "is damaged"):
            predictions_file.read(self.path)

    def test_no_damage_is_a_traceback(self):
        with self.assertRaisesRegex(UserError, "is missing: `report` makes it"):
            predictions_file.read(self.path)
        rng = np.random.default_rng(0)
        probabilities = rng.dirichlet([1] * 4, 50).astype(np.float32)
        predictions_file.write(self.path, probabilities, np.zeros(50, np.int64))
        whole = self.path.read_bytes()
        for trial in range(300):
            content = bytearray(whole)
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
            if trial % 3 == 0:
                del content[rng.integers(len(content)) :]
            self.path.write_bytes(content)
            with contextlib.suppress(UserError):
                predictions_file.read(self.path)


if __name__ == "__main__":
    absltest.main()

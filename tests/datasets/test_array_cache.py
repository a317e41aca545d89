import os
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.datasets import array_cache
from cifar10_tf.system.errors import UserError
from tests import cases

_DECODED = {
    "train_images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "class_names": np.array(["cat", "dog"]),
}


class LoadTest(cases.MachineTestCase):
    def setUp(self):
        super().setUp()
        self.source = self.data_dir / "source"
        self.source.write_text("as it is")
        self.decode = mock.Mock(side_effect=lambda: dict(_DECODED))

    def _load(self):
        arrays = array_cache.load(
            "pets",
            self.data_dir,
            array_cache.digest_of_files(self.data_dir, [self.source]),
            self.decode,
        )
        self.assertEqual(arrays.keys(), _DECODED.keys())
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, _DECODED[name])
        return arrays

    def test_what_is_decoded_is_decoded_once(self):
        self._load()
        again = self._load()
        self.decode.assert_called_once()
        self.assertIsInstance(again["train_images"], np.memmap)

    def test_another_content_or_name_is_decoded_anew(self):
        self._load()
        times = self.source.stat()
        self.source.write_text("as it Is")
        os.utime(self.source, ns=(times.st_atime_ns, times.st_mtime_ns))
        self._load()
        self.source = self.source.rename(self.data_dir / "other")
        self._load()
        self.assertEqual(self.decode.call_count, 3)

    @parameterized.parameters("train_images", "class_names")
    def test_damage_is_named_and_decoded_again(self, name):
        self._load()
        (path,) = self.cache.rglob(f"{name}.npy")
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self._load()
        self.assertIn(f"{name}.npy has another checksum", logs.output[0])
        with self.assertNoLogs("cifar10_tf"):
            self._load()
        self.assertEqual(self.decode.call_count, 2)

    @parameterized.parameters("", "null", "[]", "{}", '{"sha256": []}')
    def test_a_damaged_manifest(self, text):
        self._load()
        (path,) = self.cache.rglob("manifest.json")
        path.write_text(text)
        with self.assertLogs("cifar10_tf", "WARNING"):
            self._load()

    def test_a_missing_array(self):
        self._load()
        (path,) = self.cache.rglob("class_names.npy")
        path.unlink()
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self._load()
        self.assertIn("files are missing", logs.output[0])

    def test_the_lock_is_given_back_though_somebody_keeps_the_warning(self):
        self._load()
        (path,) = self.cache.rglob("manifest.json")
        with self.assertLogs("cifar10_tf", "WARNING"):
            for _ in range(2):
                path.write_text("")
                self._load()

    def test_a_cache_that_cannot_be_written_is_done_without(self):
        (self.cache / "cifar10_tf").write_text("in the way")
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self._load()
        self.assertIn("not cached", logs.output[0])

    def test_a_full_disk_leaves_nothing(self):
        with (
            mock.patch("numpy.save", side_effect=OSError(28, "No space left")),
            self.assertLogs("cifar10_tf", "WARNING") as logs,
        ):
            self._load()
        self.assertIn("not cached", logs.output[0])
        self.assertEmpty(list(self.cache.rglob("*.npy")))
        self.assertEmpty(list(self.cache.rglob(".new-*")))

    def test_an_error_of_the_decoder_is_passed_on(self):
        self.decode.side_effect = UserError("broken")
        with self.assertRaisesRegex(UserError, "broken"):
            self._load()
        self.assertEmpty(list(self.cache.rglob("*.npy")))


if __name__ == "__main__":
    absltest.main()

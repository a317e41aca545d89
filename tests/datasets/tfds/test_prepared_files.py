from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.datasets.tfds import decoding
from cifar10_tf.system.errors import UserError
from tests import cases, fakes


class DamageTest(cases.MachineTestCase):
    def setUp(self):
        super().setUp()
        self.directory = fakes.write_cifar10(self.data_dir, 30, 20)
        (self.shard,) = self.directory.glob("*train.tfrecord*")

    def _assert_refused(self):
        for name in ("auto", "cifar10"):
            with self.assertRaisesRegex(UserError, "are damaged.*prepare"):
                resolve_dataset(name, "")
                load_dataset("cifar10", "")
        self.assertEmpty(list(self.cache.rglob("*.npy")))

    def test_truncated(self):
        self.shard.write_bytes(self.shard.read_bytes()[:-1])
        self._assert_refused()

    def test_missing(self):
        self.shard.unlink()
        self._assert_refused()

    @parameterized.parameters(0, 9, 5000, -1)
    def test_a_flipped_bit(self, place):
        content = bytearray(self.shard.read_bytes())
        content[place] ^= 4
        self.shard.write_bytes(content)
        self._assert_refused()

    def test_damage_anywhere_is_found_before_anything_is_decoded(self):
        (shard,) = self.directory.glob("*test.tfrecord*")
        content = bytearray(shard.read_bytes())
        content[-5] ^= 4
        shard.write_bytes(content)
        with mock.patch.object(decoding, "decode_split") as decode:
            self._assert_refused()
        decode.assert_not_called()

    @parameterized.product(
        file=["dataset_info.json", "features.json"],
        text=["", "{}", "null", "[]", '{"splits": [1]}'],
    )
    def test_broken_metadata(self, file, text):
        (self.directory / file).write_text(text)
        self._assert_refused()

    def test_unknown_field(self):
        path = self.directory / "dataset_info.json"
        path.write_text(path.read_text().replace('"name"', '"nome"', 1))
        self._assert_refused()

    @parameterized.parameters(
        ("dataset_info.json", '"30"', '"20"', "holds 30 of 20 examples"),
        ("features.json", '"3"', '"1"', "images are .32, 32, 1"),
        ("features.json", '"32"', '"12"', "images are"),
        ("label.labels.txt", "cat", "cap", "classes are"),
        ("label.labels.txt", "cat\ndeer", "deer\ncat", "classes are"),
    )
    def test_metadata_that_would_change_what_is_read(
        self, file, old, new, problem
    ):
        path = self.directory / file
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))
        with self.assertRaisesRegex(UserError, f"damaged.*{problem}"):
            load_dataset("cifar10", "")
        self._assert_refused()

    @parameterized.parameters("", "airplane\nautomobile\n")
    def test_class_names_are_missing(self, text):
        (self.directory / "label.labels.txt").write_text(text)
        self._assert_refused()
        (self.directory / "label.labels.txt").unlink()
        self._assert_refused()


if __name__ == "__main__":
    absltest.main()

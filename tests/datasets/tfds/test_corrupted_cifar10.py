import tensorflow_datasets as tfds
from absl.testing import absltest

from cifar10_tf.datasets.tfds import corrupted_cifar10
from cifar10_tf.system.errors import UserError
from tests import cases, fakes

_FEATURES = {
    "image": tfds.features.Image(shape=(32, 32, 3)),
    "label": tfds.features.ClassLabel(num_classes=10),
}


def write(data_dir, corruption, severities=range(1, 6), num_images=12):
    """Prepares noise of severity 1 to 5 under TFDS's name."""
    images, labels = fakes.random_arrays(num_images)
    rows = [
        {"image": image, "label": int(label)}
        for image, label in zip(images, labels, strict=True)
    ]
    return [
        fakes.write_tfds(
            data_dir,
            f"cifar10_corrupted/{corruption}_{severity}",
            _FEATURES,
            {"test": rows},
            supervised_keys=("image", "label"),
        )
        for severity in severities
    ]


class CorruptedCifar10Test(cases.MachineTestCase):
    def test_finds_and_decodes_all_severities(self):
        directories = write(self.data_dir, "frosted_glass_blur")
        found = corrupted_cifar10.find("glass_blur", "")
        self.assertEqual(found, directories)
        images, labels = corrupted_cifar10.decode(found[4])
        expected, _ = fakes.random_arrays(12)
        self.assertEqual(
            {image.tobytes() for image in images},
            {image.tobytes() for image in expected},
        )
        self.assertCountEqual(labels, [*range(10), 0, 1])
        self.assertIsNone(corrupted_cifar10.find("fog", ""))

    def test_some_severities_are_not_used(self):
        write(self.data_dir, "fog", severities=[1, 3])
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self.assertIsNone(corrupted_cifar10.find("fog", ""))
        self.assertIn("some severities only", logs.output[0])

    def test_damage(self):
        (directory,) = write(self.data_dir, "fog", severities=[2])
        (shard,) = directory.glob("*tfrecord*")
        content = bytearray(shard.read_bytes())
        content[300] ^= 4
        for damaged in content, content[:500], b"":
            shard.write_bytes(damaged)
            with self.assertRaisesRegex(UserError, "are damaged"):
                corrupted_cifar10.decode(directory)


if __name__ == "__main__":
    absltest.main()

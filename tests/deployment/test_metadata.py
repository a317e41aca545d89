import json
import pathlib
import zipfile

from absl.testing import absltest, parameterized

from cifar10_tf.deployment import metadata
from cifar10_tf.deployment.metadata import Metadata

_METADATA = Metadata(
    ("cat", "\u9ce5"), "dropout", "float32", "cifar10", 0.5, (0.25, 1.0)
)


class MetadataTest(parameterized.TestCase):
    def test_there_and_back(self):
        self.assertEqual(Metadata.from_json(_METADATA.to_json()), _METADATA)
        self.assertEqual(Metadata.from_texts(_METADATA.to_texts()), _METADATA)

    @parameterized.parameters(
        ({"class_names": []}, "no list of names"),
        ({"class_names": "cat"}, "no list of names"),
        ({"class_names": ["cat", 3]}, "no list of names"),
        ({"class_names": None}, "no list of names"),
        ({"test_accuracy_ci95": [0.5]}, "no interval"),
        ({"test_accuracy_ci95": ["a", "b"]}, "no interval"),
    )
    def test_what_somebody_else_has_written(self, changes, message):
        values = json.loads(_METADATA.to_json()) | changes
        with self.assertRaisesRegex(ValueError, message):
            Metadata.from_json(json.dumps(values))
        texts = {name: json.dumps(value) for name, value in values.items()}
        with self.assertRaisesRegex(ValueError, message):
            Metadata.from_texts(texts)

    def test_a_bomb_is_not_unpacked(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "x.tflite"
        text = _METADATA.to_json()
        for size, fits in (1_000_000, True), (1_000_001, False):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(metadata.MEMBER, text.ljust(size))
            self.assertLess(path.stat().st_size, 10_000)
            if fits:
                self.assertEqual(metadata.from_archive(path), _METADATA)
            else:
                with self.assertRaisesRegex(ValueError, "than 1,000,000 bytes"):
                    metadata.from_archive(path)


if __name__ == "__main__":
    absltest.main()

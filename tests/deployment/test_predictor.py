import io
import itertools
import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from cifar10_tf.deployment.image_arguments import Failure, ImageFile
from cifar10_tf.deployment.predictor import Predictor
from cifar10_tf.evaluation import tta
from cifar10_tf.system.errors import UserError
from tests.deployment.fake_runtime import Brightness


def _png(level: int) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (level,) * 3).save(file, "PNG")
    file.seek(0)
    return file


class ClassifyTest(absltest.TestCase):
    def test_files_and_failures_come_in_their_order(self):
        found = [
            ImageFile("dark.png", _png(0)),
            Failure("gone", "there is none"),
            ImageFile("broken.png", io.BytesIO(b"no image")),
            ImageFile("bright.png", _png(255)),
        ]
        dark, gone, broken, bright = Predictor(Brightness()).classify(found)
        self.assertEqual((dark.name, dark.label), ("dark.png", "dark"))
        self.assertEqual(gone, found[1])
        self.assertEqual(broken, Failure("broken.png", "not an image"))
        self.assertEqual((bright.name, bright.label), ("bright.png", "bright"))

    def test_nothing_but_failures(self):
        found = [Failure("x", "gone"), Failure("y", "gone")]
        self.assertEqual(list(Predictor(Brightness()).classify(found)), found)
        self.assertEqual(list(Predictor(Brightness()).classify([])), [])

    def test_many_are_read_a_little_ahead_and_computed_in_batches(self):
        runtime, num_read = Brightness(), 0

        def found():
            nonlocal num_read
            for i in itertools.count():
                num_read += 1
                yield ImageFile(str(i), _png(i % 256))

        results = Predictor(runtime).classify(found())
        first = list(itertools.islice(results, 1000))
        self.assertEqual([int(r.name) for r in first], list(range(1000)))
        self.assertLess(num_read, 3000)
        self.assertLess(len(runtime.batch_sizes), 20)
        results.close()


class _Tensor:
    """What TensorFlow's and PyTorch's have in common."""

    def __init__(self, array, error=None):
        self._array, self._error = array, error

    def __array__(self, dtype=None, copy=None):
        if self._error:
            raise self._error
        return self._array

    def __iter__(self):
        return map(_Tensor, self._array)


class PredictTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.predictor = Predictor(Brightness())

    def test_one_of_each_kind(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "x.png"
        path.write_bytes(_png(255).getvalue())
        for image in (
            path,
            str(path),
            Image.open(path),
            np.full((40, 50, 3), 255, np.uint8),
            np.ones((40, 50, 3)),
            np.ones((32, 32, 1), np.float32),
            np.ones((40, 50)),
            _Tensor(np.ones((40, 50, 3))),
        ):
            prediction = self.predictor.predict(image)
            self.assertEqual(prediction.label, "bright")
            self.assertEqual(prediction.image.shape, (32, 32, 3))
            np.testing.assert_array_equal(prediction.image, 255)

    def test_several(self):
        images = np.stack([np.zeros((32, 32, 3)), np.ones((32, 32, 3))])
        tensor = _Tensor(images)
        for several in (
            images, list(images), tuple(images), iter(images), tensor,
            list(tensor),
        ):  # fmt: skip
            predictions = self.predictor.predict(several)
            self.assertEqual([p.label for p in predictions], ["dark", "bright"])
        self.assertEqual(self.predictor.predict([]), [])

    def test_bytes_are_given_to_the_network_as_they_are(self):
        image = np.random.RandomState(0).randint(0, 256, (32, 32, 3), np.uint8)
        for given in image, image / 255, (image / 255).astype(np.float32):
            prediction = self.predictor.predict(given)
            np.testing.assert_array_equal(prediction.image, image)

    @parameterized.parameters(
        (np.full((32, 32, 3), 200.0), "in .0, 1.; divide by 255"),
        (np.full((32, 32, 3), np.nan), "in .0, 1."),
        (np.full((32, 32, 3), -0.1), "in .0, 1."),
        (np.zeros((32, 32, 3), np.int64), "int64; give bytes, as by .astype"),
        (np.zeros((32, 32, 4)), r"\[32, 32, 4\]"),
        (np.zeros((2, 32, 32, 4)), r"\[32, 32, 4\]"),
        (np.zeros((0, 32, 3)), "an image can't.*no pixels"),
        (np.zeros((5, 0, 3), np.uint8), "no pixels"),
        (np.zeros(3), r"\[3\]"),
        (["gone.png"], "gone.png can't be classified: No such file"),
        ("gone.png", "gone.png can't"),
        (3, "takes paths, PIL images and arrays, got int"),
        ([3], r"an array of an image .* got \[\]"),
        (None, "got NoneType"),
        (b"\xff\xd8", "got bytes"),
        (_Tensor(None, TypeError("on a GPU")), "arrays, got _Tensor"),
        (_Tensor(None, RuntimeError("has a gradient")), "arrays, got _Tensor"),
        ("~no.such.user/x.png", "^no home of ~no.such.user is known.*name.$"),
    )
    def test_mistakes(self, images, message):
        with self.assertRaisesRegex(UserError, message):
            self.predictor.predict(images)

    def test_a_truncated_image_that_has_been_opened(self):
        noise = np.random.RandomState(0).randint(0, 256, (60, 60, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(noise).save(file, "PNG")
        image = Image.open(io.BytesIO(file.getvalue()[:-1000]))
        with self.assertRaisesRegex(UserError, "an image can't .*truncated"):
            self.predictor.predict(image)

    def test_an_error_of_the_network_is_no_mistake_of_the_users(self):
        self.predictor.runtime._predict = mock.Mock(side_effect=TypeError("x"))
        with self.assertRaisesRegex(TypeError, "^x$"):
            self.predictor.predict([np.ones((8, 8))])

    def test_crop(self):
        image = np.zeros((32, 96, 3), np.uint8)
        image[:, 32:64] = 255
        self.assertEqual(self.predictor.predict(image).label, "bright")
        squashed = Predictor(Brightness(), crop="squash").predict(image)
        self.assertLess(squashed.image.mean(), 100)

    def test_test_time_augmentation(self):
        runtime = Brightness()
        image = np.random.RandomState(0).uniform(size=(32, 32, 3))
        prediction = Predictor(runtime, with_tta=True).predict(image)
        self.assertEqual(runtime.batch_sizes, [6])
        expected = tta.average(
            runtime.predict(tta.make_views(prediction.image[None]))
        )
        np.testing.assert_allclose(prediction.probabilities, expected[0])


if __name__ == "__main__":
    absltest.main()

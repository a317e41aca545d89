import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.datasets.loading import Examples
from cifar10_tf.deployment.exports import checks
from cifar10_tf.settings.export_formats import FORMATS
from tests import fakes
from tests.deployment.fake_runtime import Brightness

_FLOAT, _INT8 = FORMATS["onnx"], FORMATS["litert_int8"]


class _Wrong(Brightness):
    """Of some images the first class is taken for the last."""

    def __init__(self, num_wrong=0, difference=0.0):
        super().__init__()
        self._num_wrong, self._difference = num_wrong, difference

    def _predict(self, images):
        probabilities = super()._predict(images)
        probabilities[: self._num_wrong] = probabilities[
            : self._num_wrong, ::-1
        ]
        return probabilities + np.float32(self._difference)


def _reference(precision: str, num_images: int = 200) -> checks.Reference:
    images, _ = fakes.random_arrays(num_images)
    images[:] = 60 * (np.arange(num_images) % 2)[:, None, None, None] + 1
    probabilities = Brightness().predict(images)
    labels = probabilities.argmax(axis=1)
    return checks.Reference(Examples(images, labels), probabilities, precision)


class CheckTest(parameterized.TestCase):
    def test_the_same(self):
        figures = checks.check(_Wrong(), _FLOAT, _reference("float32"))
        self.assertEqual(
            figures,
            {"num_compared": 200, "max_difference": 0.0, "agreement": 1.0},
        )

    @parameterized.parameters(
        ("float32", 5e-4, True),
        ("float32", 5e-3, False),
        ("mixed_bfloat16", 5e-3, True),
        ("mixed_float16", 5e-2, False),
        ("mixed_float16", np.nan, False),
    )
    def test_how_far_probabilities_may_be_apart(self, precision, by, passes):
        runtime, reference = _Wrong(difference=by), _reference(precision)
        if passes:
            figures = checks.check(runtime, _FLOAT, reference)
            self.assertAlmostEqual(figures["max_difference"], by, places=6)
        else:
            with self.assertRaisesRegex(checks.CheckError, "differs .* by up"):
                checks.check(runtime, _FLOAT, reference)

    def test_close(self):
        expected = np.float32([[0.5, 0.5]])
        for precision, by, close in (
            ("float32", 5e-4, True),
            ("float32", 5e-3, False),
            ("mixed_bfloat16", 5e-3, True),
            ("mixed_float16", 5e-2, False),
            ("mixed_float16", np.nan, False),
        ):
            actual = checks.is_close(expected + by, expected, precision)
            self.assertIs(actual, close)

    def test_how_many_classes_may_be_other_ones(self):
        # Equal probabilities, whose order no rounding can keep.
        for precision, num_other, passes in (
            ("float32", 1, False),
            ("mixed_float16", 2, True),
            ("mixed_float16", 3, False),
        ):
            reference = _reference(precision)
            reference.probabilities[:num_other] = 0.5
            runtime = Brightness()
            runtime._predict = lambda images, of=reference: (
                of.probabilities + np.eye(3, dtype=np.float32)[2] * 1e-5
            )
            with self.subTest(f"{precision} {num_other}"):
                if passes:
                    figures = checks.check(runtime, _FLOAT, reference)
                    self.assertEqual(figures["agreement"], 0.99)
                else:
                    with self.assertRaisesRegex(
                        checks.CheckError, f"for {num_other} of 200 images"
                    ):
                        checks.check(runtime, _FLOAT, reference)

    def test_integers_may_cost_a_point_of_accuracy(self):
        reference = _reference("float32")
        figures = checks.check(_Wrong(2), _INT8, reference)
        self.assertEqual(figures["test_accuracy"], 0.99)
        with self.assertRaisesRegex(checks.CheckError, "3.0 points lower"):
            checks.check(_Wrong(6), _INT8, reference)

    def test_as_many_images_as_are_needed(self):
        reference = _reference("float32", 1200)
        runtime = Brightness()
        figures = checks.check(runtime, _FLOAT, reference)
        self.assertEqual(figures["num_compared"], 1000)
        self.assertEqual(sum(runtime.batch_sizes), 1000)
        runtime = Brightness()
        figures = checks.check(runtime, _INT8, reference)
        self.assertEqual(figures["num_compared"], 1000)
        self.assertEqual(sum(runtime.batch_sizes), 1200)

        for formats, num in (["onnx"], 1000), (["onnx", "litert_int8"], 1200):
            runtime = Brightness()
            runtime.precision = "float32"
            computed = checks.Reference.compute(
                runtime, reference.test, formats
            )
            self.assertLen(computed.probabilities, num)
            self.assertLen(computed.test.labels, num)


if __name__ == "__main__":
    absltest.main()

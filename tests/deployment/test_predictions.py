import numpy as np
from absl.testing import absltest

from cifar10_tf.deployment.predictions import Prediction, Predictions
from cifar10_tf.system.errors import UserError


def _prediction(probabilities, class_names, name="x.png"):
    image = np.zeros((32, 32, 3), np.uint8)
    return Prediction(
        name, image, np.array(probabilities, np.float32), class_names
    )


class PredictionTest(absltest.TestCase):
    def test_the_most_probable_classes(self):
        prediction = _prediction([0.1, 0.5, 0.15, 0.25], tuple("abcd"))
        self.assertEqual((prediction.label, prediction.probability), ("b", 0.5))
        self.assertEqual([g.label for g in prediction.top()], ["b", "d", "c"])
        self.assertLen(prediction.top(9), 4)
        for number in -1, "3":
            with self.assertRaisesRegex(UserError, f"got {number!r}"):
                prediction.top(number)
        self.assertEqual(
            prediction.to_dict()["predictions"][1],
            {"label": "d", "probability": 0.25},
        )

    def test_two_classes(self):
        self.assertLen(_prediction([0.1, 0.9], ("a", "b")).top(), 2)

    def test_a_notebook_shows_names_as_text(self):
        name = "<script>alert(1)</script>"
        prediction = _prediction([0.1, 0.9], (name, "b"), name)
        html = Predictions([prediction])._repr_html_()
        self.assertNotIn("<script>", html)
        self.assertIn("&lt;script&gt;", html)
        self.assertIn("90.0%", html)
        self.assertIn("90.0%", prediction._repr_html_())

    def test_a_notebook_shows_a_hundred(self):
        html = Predictions(
            [_prediction([0.1, 0.9], ("a", "b"))] * 102
        )._repr_html_()
        self.assertEqual(html.count("<img"), 100)
        self.assertIn("and 2 more", html)


if __name__ == "__main__":
    absltest.main()

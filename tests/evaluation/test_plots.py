import io
import itertools

import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.evaluation import plots
from tests import fakes

_CLASSES = [f"class{i}" for i in range(10)]


def _row(epoch, **values):
    row = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.4}
    return {"epoch": epoch} | row | values


class PlotsTest(parameterized.TestCase):
    def _render(self, figure):
        figure.savefig(io.BytesIO(), format="png")

    @parameterized.parameters(1, 32, 50)
    def test_samples(self, num_images):
        figure = plots.samples(*fakes.random_arrays(num_images), _CLASSES, "T")
        self._render(figure)
        (axis,) = figure.axes
        self.assertLen(axis.images, min(num_images, 32))
        self.assertLen(axis.texts, min(num_images, 32))
        self.assertEqual(axis.texts[0].get_text(), "class0")

    def test_predictions_tell_right_from_wrong_without_colour(self):
        images, labels = fakes.random_arrays(18)
        probabilities = np.full((18, 10), 0.05)
        probabilities[:, 3] = 0.55
        figure = plots.predictions(images, labels, probabilities, _CLASSES, "T")
        self._render(figure)
        wrong, _, _, right, *_ = figure.axes[0].texts
        self.assertEqual(wrong.get_text(), "class0 : class3\n✗ 55%")
        self.assertEqual(right.get_text(), "class3 : class3\n✓ 55%")
        self.assertNotEqual(wrong.get_color(), right.get_color())

    def test_the_longest_names_do_not_overlap(self):
        images, labels = fakes.random_arrays(18)
        probabilities = np.full((18, 10), 0.1)
        figure = plots.predictions(
            images, labels, probabilities, ["automobile"] * 10, "T"
        )
        self._render(figure)
        (axis,) = figure.axes
        boxes = [text.get_window_extent() for text in axis.texts]
        for left, right in itertools.pairwise(boxes[:6]):
            self.assertLess(left.x1, right.x0)
        self.assertLess(boxes[6].y1, axis.images[0].get_window_extent().y0)
        self.assertLess(boxes[0].y1, figure._suptitle.get_window_extent().y0)

    def test_curves_mark_the_highest_validation_accuracy(self):
        history = [_row(1), _row(2, val_accuracy=0.75), _row(3)]
        figure = plots.curves(history, "T")
        self._render(figure)
        for axis, value in zip(
            figure.axes, ("loss 1.000", "accuracy 75.0%"), strict=True
        ):
            labels = [line.get_label() for line in axis.lines]
            self.assertIn(
                f"highest validation accuracy, epoch 2: {value}", labels
            )

    def test_curves_without_validation(self):
        history = [_row(1, val_loss=None, val_accuracy=None)]
        figure = plots.curves(history, "T")
        self._render(figure)
        self.assertLen(figure.axes[0].lines, 1)

    @parameterized.parameters(2, 100)
    def test_study(self, num_runs):
        metric = {
            "mean": 0.75,
            "ci95": [0.7, 0.8],
            "values": np.linspace(0.6, 0.9, num_runs),
        }
        histories = [[_row(1, train_sec=s)] for s in range(1, num_runs + 1)]
        for names, drawn in (
            (["test_accuracy", "validation_accuracy"], "val_accuracy"),
            (["test_accuracy"], "accuracy"),
        ):
            metrics = dict.fromkeys([*names, "train_sec"], metric)
            figure = plots.study(metrics, histories, "folder $x$")
            self._render(figure)
            dots, curves = figure.axes
            self.assertLen(dots.get_xticks(), len(names))
            # Of two runs an interval may be of any size.
            mean = "75.00%\n± 5.00%" if num_runs > 2 else "75.00%"
            self.assertIn(mean, [t.get_text() for t in dots.texts])
            points = [tuple(line.get_xydata()[0]) for line in curves.lines]
            expected = [(h[0]["train_sec"], h[0][drawn]) for h in histories]
            self.assertEqual(points, expected)

    def test_confusion_matrix_shows_every_count(self):
        matrix = np.arange(100).reshape(10, 10)
        matrix[4] = 0  # a class without examples
        figure = plots.confusion_matrix(matrix, _CLASSES, "T")
        self._render(figure)
        self.assertEqual(
            [int(t.get_text()) for t in figure.axes[0].texts],
            matrix.flatten().tolist(),
        )

    @parameterized.parameters(2, 100, 300)
    def test_confusion_matrix_of_any_number_of_classes(self, size):
        names = [f"aquarium fish ${i}" for i in range(size)]
        matrix = np.eye(size, dtype=np.int64) * 12345
        figure = plots.confusion_matrix(matrix, names, "T" * 70)
        self._render(figure)
        axis = figure.axes[0]
        self.assertLen(axis.texts, size**2 if size == 2 else 0)
        labels = axis.get_yticklabels()
        self.assertEqual(labels[0].get_text(), names[0])
        boxes = [label.get_window_extent() for label in labels]
        for upper, lower in itertools.pairwise(boxes):
            self.assertGreater(upper.y0, lower.y1 - 1)
        for box in (*boxes, figure._suptitle.get_window_extent()):
            self.assertGreaterEqual(box.x0, 0)
        self.assertLess(figure.get_figwidth(), 20)

    def test_names_are_no_mathematics(self):
        names, title = ["a$\\frac{$", "b$_$"], "folder $\\x$"
        images, labels = fakes.random_arrays(18, 2)
        for figure in (
            plots.samples(images, labels, names, title),
            plots.predictions(
                images, labels, np.full((18, 2), 0.5), names, title
            ),
            plots.curves([_row(1)], title),
            plots.confusion_matrix(np.eye(2, dtype=np.int64), names, title),
        ):
            self._render(figure)

    def test_names_of_any_length(self):
        images, labels = fakes.random_arrays(18)
        for length in (14, 200):
            names = ["n" * length] * 10
            figure = plots.predictions(
                images, labels, np.eye(18, 10), names, ""
            )
            self._render(figure)
            boxes = [t.get_window_extent() for t in figure.axes[0].texts]
            for left, right in itertools.pairwise(boxes[:6]):
                self.assertLess(left.x1, right.x0)

    def test_long_names_stay_apart(self):
        names = ["a long name of a cat", "a long name of a dog", "cow"]
        short = plots._shorten(names, 12)
        self.assertLen(set(short), 3)
        self.assertLessEqual(max(map(len, short)), 12)
        alike = [f"{'x' * 20}{c}{'y' * 20}" for c in "ab"]
        self.assertLen(set(plots._shorten(alike, 12)), 2)

    def test_wide_names_are_cut_to_the_same_width(self):
        names = ["猫" * 6, "猫" * 7, "cats" + "猫" * 5, "犬" * 20]
        self.assertEqual(
            plots._shorten(names, 12),
            ["猫" * 6, "猫猫猫…猫猫", "cats猫…猫猫", "犬犬犬…犬犬"],
        )

    def test_wide_names_are_drawn_smaller(self):
        images, labels = fakes.random_arrays(18)
        figure = plots.predictions(
            images, labels, np.eye(18, 10), ["猫" * 6] * 10, "T"
        )
        self.assertEqual(figure.axes[0].texts[0].get_fontsize(), 230 / 27)


if __name__ == "__main__":
    absltest.main()

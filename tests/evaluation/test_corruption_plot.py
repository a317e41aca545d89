import io

from absl.testing import absltest

from cifar10_tf.evaluation import corruption_plot


class HeatmapTest(absltest.TestCase):
    def test_shows_every_accuracy_the_means_and_the_source(self):
        result = {
            "model": "dropout",
            "dataset": "folder:/a/$x$",
            "split": "test",
            "accuracy": 0.9,
            "corruptions": {
                "source": "computed",
                "mean_accuracy": 0.5,
                "mean_accuracy_ci95": [0.4, 0.6],
                "severities": [1, 2],
                "accuracy": {"fog": [0.7, 0.5], "snow": [0.6, 0.2]},
            },
        }
        figure = corruption_plot.heatmap(result)
        figure.savefig(io.BytesIO(), format="png")
        axis = figure.axes[0]
        self.assertEqual(
            [float(text.get_text()) for text in axis.texts],
            [70, 50, 60, 60, 20, 40, 65, 35, 50],
        )
        labels = [text.get_text() for text in axis.get_yticklabels()]
        self.assertEqual(labels, ["fog", "snow", "mean"])
        title = figure._suptitle.get_text()
        self.assertIn("folder $x$: corrupted test images (computed)", title)
        self.assertIn("mean accuracy 50.0%", title)
        box = figure._suptitle.get_window_extent()
        self.assertGreater(box.x0, 0)


if __name__ == "__main__":
    absltest.main()

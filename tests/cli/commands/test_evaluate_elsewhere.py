"""`evaluate` on other images than the test images of its run."""

import json

import pytest
from absl.testing import absltest

from cifar10_tf.datasets.official_archives import CLASS_NAMES
from cifar10_tf.models.building import build_model
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from tests import cases, fakes
from tests.datasets.tfds import test_corrupted_cifar10

# All eighteen would take three times as long; each has its own tests.
_FEW_CORRUPTIONS = """
from cifar10_tf import main
from cifar10_tf.evaluation.corruptions.by_name import CORRUPTIONS
for name in {*CORRUPTIONS} - {"gaussian_noise", "glass_blur", "pixelate"}:
    del CORRUPTIONS[name]
main.run()
"""


@pytest.mark.slow
class EvaluateElsewhereTest(cases.CommandTestCase):
    """With a network that has learnt nothing: it is the images that count."""

    def _complete(self, dataset, class_names, **settings):
        run = RunDirectory(self.directory / "run")
        run.open(make_config(dataset=dataset, **settings))
        model = build_model("dropout", num_classes=len(class_names))
        saved_model.save(model, run)
        run.complete(
            fakes.SUMMARY | {"class_names": class_names, "dataset": dataset}
        )

    def _evaluate(self, *arguments, **kwargs):
        return self.run_heavy(
            "evaluate", "--run_dir=run", "--output=r.json", *arguments, **kwargs
        )

    def _result(self, *arguments):
        """Returns what is written and what is printed."""
        process = self._evaluate(*arguments)
        self.assertEqual(process.returncode, 0, process.stderr)
        written = (self.directory / "r.json").read_text("utf-8")
        return json.loads(written), process.stdout

    def test_another_folder_and_other_splits(self):
        pets = fakes.write_folder(
            self.directory / "pets",
            {"train/cat": 12, "train/dog": 12, "test/cat": 5, "test/dog": 4},
        )
        fakes.write_folder(
            self.directory / "more",
            {"train/cat": 1, "train/dog": 1, "test/cat": 2, "test/dog": 1},
        )
        fakes.write_folder(
            self.directory / "wild",
            {"train/cat": 1, "train/emu": 1, "test/cat": 1},
        )
        self._complete(
            f"folder:{pets}", ["cat", "dog"], validation_fraction=0.25
        )
        for split, name, size in (
            ("test", "test", 9),
            ("train", "training", 18),
            ("validation", "validation", 6),
        ):
            result, text = self._result(f"--split={split}")
            self.assertEqual(result["split"], split)
            self.assertEqual(result["num_images"], size)
            self.assertIn(f": {name} accuracy {result['accuracy']:.2%}", text)
            self.assertNotIn("trained on", text)

        result, text = self._result("--dataset=folder:more")
        more = f"folder:{self.directory / 'more'}"
        self.assertEqual(result["dataset"], more)
        self.assertEqual(result["trained_on"], f"folder:{pets}")
        self.assertEqual(result["num_images"], 3)
        self.assertContainsSubset(
            ["accuracy_ci95", "loss", "per_class_accuracy", "run"], result
        )
        self.assertIn("trained on folder pets, on folder more,", text)

        process = self._evaluate("--dataset=folder:wild")
        self.assert_error_after_log(process, "'dog' is 'emu' now")

    def assert_error_after_log(self, process, part):
        self.assertEqual(process.returncode, 1)
        self.assertStartsWith(process.stderr.splitlines()[-1], "error: ")
        self.assertIn(part, process.stderr)
        self.assertNotIn("Traceback", process.stderr)

    def test_corruptions_of_tfds_and_computed_ones(self):
        fakes.write_cifar10(self.data_dir, 20, 12)
        test_corrupted_cifar10.write(self.data_dir, "frosted_glass_blur")
        self._complete("cifar10", CLASS_NAMES)
        process = self._evaluate("--corruptions", program=_FEW_CORRUPTIONS)
        self.assertEqual(process.returncode, 0, process.stderr)
        text = process.stdout
        written = json.loads((self.directory / "r.json").read_text("utf-8"))
        kept = self.directory / "run" / "corruptions.json"
        self.assertEqual(json.loads(kept.read_text("utf-8")), written)
        self.assertIn(f"Written: {kept}; `report", process.stderr)
        corruptions = written["corruptions"]
        self.assertEqual(corruptions["source"], "computed and tfds")
        self.assertEqual(corruptions["sources"].pop("glass_blur"), "tfds")
        self.assertEqual(set(corruptions["sources"].values()), {"computed"})
        self.assertRegex(text, r"\n  glass_blur .* tfds\n")
        self.assertRegex(text, r"\n  pixelate .* computed\n")
        self.assertTrue((self.directory / "r.png").is_file())

        process = self._evaluate("--split=validation")
        self.assertEqual(process.returncode, 0, process.stderr)

    def test_nothing_was_held_out(self):
        pets = fakes.write_folder(
            self.directory / "pets",
            {"train/cat": 2, "train/dog": 2, "test/cat": 1},
        )
        self._complete(f"folder:{pets}", ["cat", "dog"], validation_fraction=0)
        process = self._evaluate("--split=validation")
        self.assert_error_after_log(process, "held nothing out")


if __name__ == "__main__":
    absltest.main()

"""Whole runs through the command line, on a folder of a user's own."""

import json
import shutil

import pytest
from absl.testing import absltest
from PIL import Image

from tests import cases, fakes

_ON_A_MACHINE = """
import sys
from cifar10_tf import main
from cifar10_tf.training import precision
policy = sys.argv.pop(1)
precision.for_this_machine = lambda: (policy, "of a reason")
main.run()
"""


@pytest.mark.slow
class FolderTest(cases.CommandTestCase):
    """Few images, of all kinds, in classes of unequal sizes."""

    def setUp(self):
        super().setUp()
        self.pets = fakes.write_folder(
            self.directory / "my pets",
            {"train/cat": 20, "train/$dog": 7, "train/emu": 2, "test/cat": 5}
            | {"test/emu": 2},
        )
        picture = Image.new("RGBA", (50, 90), (200, 90, 20, 100))
        picture.save(self.pets / "train" / "emu" / "rgba.webp")
        for mode, name in ("L", "a.bmp"), ("CMYK", "b.jpg"), ("P", "c.gif"):
            picture.convert("RGB").convert(mode).save(
                self.pets / "train" / "emu" / name
            )

    def test_train_and_evaluate(self):
        flags = ["--dataset=folder:my pets", "--epochs=1", "--batch_size=8"]
        result = self.run_heavy(*flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        run = self.directory / "runs" / "folder-my-pets-dropout-seed1"
        summary = json.loads((run / "summary.json").read_text())
        self.assertEqual(summary["dataset"], f"folder:{self.pets}")
        self.assertEqual(
            list(summary["per_class_accuracy"]), ["$dog", "cat", "emu"]
        )
        self.assertIsNone(summary["per_class_accuracy"]["$dog"])
        self.assertEqual(summary["num_train_examples"], 23)
        self.assertEqual(summary["num_validation_examples"], 10)
        self.assertEqual(summary["num_test_examples"], 7)
        self.assertRegex(result.stdout, r"\n  \$dog  no test images\n")

        accuracy = f"test accuracy {summary['test_accuracy']:.2%}"
        result = self.run_heavy("evaluate", f"--run_dir={run}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(accuracy, result.stdout)
        self.assertNotIn("no longer", result.stderr)

        one, *_ = (self.pets / "train/cat").iterdir()
        shutil.copy(one, self.pets / "train/cat/more.png")
        result = self.run_heavy("evaluate", f"--run_dir={run}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("no longer, those of the training", result.stderr)

        fakes.write_folder(self.pets, {"train/fox": 1})
        result = self.run_heavy("evaluate", f"--run_dir={run}")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stderr, r"error: .*tells 3 classes apart.*has 4 \(\$dog"
        )

    def test_broken_files_are_named_before_anything_is_written(self):
        for name in ("train/cat/a.png", "test/emu/b.png"):
            (self.pets / name).write_text("no image")
        result = self.run_heavy("--dataset=folder:my pets", "--run_dir=run")
        self.assertEqual(result.returncode, 1)
        lines = result.stderr.splitlines()
        self.assertStartsWith(lines[-3], "error: 2 of the files")
        self.assertEqual(
            lines[-2:],
            [f"  {n}: not an image" for n in ("train/cat/a.png",
             "test/emu/b.png")],
        )  # fmt: skip
        self.assertFalse((self.directory / "run").exists())

    def test_goes_on_elsewhere_in_the_precision_that_it_began_with(self):
        flags = ["--model=speedrun_s", "--epochs=1", "--mixed_precision"]
        # On CPUs float16 takes a second for a few images.
        flags += ["--max_train_examples=8", "--run_dir=run"]
        end = ["--dataset=folder:my pets", "--max_minutes=1e-9"]
        result = self.run_heavy(
            "mixed_float16", *flags, *end, program=_ON_A_MACHINE
        )
        self.assertEqual(result.returncode, 75, result.stderr)
        self.pets.rename(self.directory / "moved")
        result = self.run_heavy(
            "float32", *flags, "--dataset=folder:moved", program=_ON_A_MACHINE
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(
            "Precision mixed_float16: the run began with it", result.stderr
        )
        summary = (self.directory / "run" / "summary.json").read_text()
        self.assertEqual(json.loads(summary)["precision"], "mixed_float16")


if __name__ == "__main__":
    absltest.main()

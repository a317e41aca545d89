"""Whole runs through the command line, on a small data set."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.models.building import build_model
from cifar10_tf.models.layers import whitening
from cifar10_tf.settings.config import make_config
from cifar10_tf.settings.options import make_options
from cifar10_tf.system.errors import UserError
from cifar10_tf.training import trainer
from tests import fakes, launcher

_PLAIN_KERAS = """
import json, sys, warnings, keras, numpy as np, tensorflow_datasets as tfds
data = tfds.builder_from_directory(sys.argv[1]).as_dataset(
    split="test", batch_size=-1)
images, labels = (data[name].numpy() for name in ("image", "label"))
results = []
for path in sys.argv[2:]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = keras.models.load_model(path)
    results.append(model.evaluate(images / 255, np.eye(10)[labels], verbose=0))
assert "cifar10_tf" not in sys.modules
print(json.dumps(results))
"""

_SUMMARY_KEYS = {
    "status", "dataset", "model", "num_params", "seed", "precision", "epochs",
    "steps", "batch_size", "num_train_examples", "num_validation_examples",
    "num_test_examples", "train_accuracy", "validation_accuracy",
    "test_accuracy", "test_accuracy_ci95", "test_loss", "per_class_accuracy",
    "first_step_sec", "train_sec", "total_sec", "images_per_sec", "versions",
    "hardware", "command", "class_names", "jit",
}  # fmt: skip

_FIRST = [
    "--epochs=2", "--batch_size=32", "--mixed_precision",
    "--augment=crop=2,flip,cutmix", "--tta", "--seed=2",
]  # fmt: skip

# Runs that several tests look at, each made by the first of them.
_SPEEDRUN = ["--model=speedrun_s", "--batch_size=50", "--validation_fraction=0"]
_SPEEDRUN += ["--epochs=2"]
_FLAGS = {
    "speedrun_float32": [*_SPEEDRUN, "--precision=float32"],
    "speedrun_bfloat16": [*_SPEEDRUN, "--precision=mixed_bfloat16"],
    # With everything that plain Keras has not. On CPUs float16 takes seconds
    # for some images of a larger network.
    "fancy": [
        "--model=speedrun_s", "--precision=mixed_float16", "--epochs=2",
        "--max_train_examples=20", "--batch_size=5", "--optimizer=muon",
        "--schedule=one_cycle", "--ema=0.9", "--label_smoothing=0.15",
    ],
}  # fmt: skip


@pytest.mark.slow
class TrainTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.parent = pathlib.Path(directory.name)
        cls.data = fakes.write_cifar10(cls.parent / "data", 300, 100)
        cls.environment = os.environ | fakes.environment(
            cache=cls.parent / "cache", data_dir=cls.parent / "data"
        )
        cls.path = cls.parent / "first"
        cls.first = cls._run(*_FIRST, "--run_dir=first")

    @classmethod
    def _run(cls, *arguments):
        return launcher.heavy().run(
            *arguments, env=cls.environment, cwd=cls.parent
        )

    def _make(self, name):
        """Makes a run of _FLAGS where it is not there yet."""
        if not (self.parent / name).exists():
            result = self._run(*_FLAGS[name], f"--run_dir={name}")
            self.assertEqual(result.returncode, 0, result.stderr)

    def _metrics(self, name):
        lines = (self.parent / name / "metrics.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        for row in rows:
            del row["images_per_sec"], row["train_sec"]
        return rows

    def _summary(self, name="first"):
        return json.loads((self.parent / name / "summary.json").read_text())

    def test_the_run_directory_is_complete(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        self.assertCountEqual(
            os.listdir(self.path),
            ["config.json", "metrics.jsonl", "model.keras", "plots"]
            + ["report.html", "summary.json", "test_predictions.npz"],
        )
        self.assertCountEqual(
            os.listdir(self.path / "plots"),
            ["samples.png", "curves.png", "predictions.png"]
            + ["confusion_matrix.png"],
        )

    def test_summary(self):
        summary = self._summary()
        self.assertContainsSubset(_SUMMARY_KEYS, summary)
        self.assertEqual(summary["status"], "complete")
        self.assertEqual(summary["dataset"], "cifar10")
        self.assertEqual(summary["num_params"], 669_354)
        self.assertEqual(summary["augment"], "flip,crop=2,cutmix")
        self.assertEqual(summary["num_train_examples"], 210)
        self.assertEqual(summary["num_validation_examples"], 90)
        self.assertEqual(summary["num_test_examples"], 100)
        self.assertEqual(summary["steps"], 2 * 7)
        low, high = summary["test_accuracy_ci95"]
        self.assertBetween(summary["test_accuracy"], low, high)
        last = self._metrics("first")[-1]
        self.assertEqual(summary["validation_accuracy"], last["val_accuracy"])
        self.assertLess(summary["train_sec"], summary["total_sec"])

    def test_it_learns(self):
        losses = [row["loss"] for row in self._metrics("first")]
        self.assertLess(losses[-1], losses[0])

    def test_terminal(self):
        self._assert_terminal(self.first)

    def _assert_terminal(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("test accuracy", result.stdout)
        self.assertIn("Precision ", result.stderr)
        for line in result.stderr.splitlines():
            self.assertRegex(
                line,
                "^(Decoding|Precision|Training|Recipe|Run dir|Evaluating)",
            )

    def test_a_run_of_a_study_is_the_same_alone(self):
        flags = [*_FIRST, "--seed=1"]
        result = self._run(*flags, "--run_dir=study/seed1")
        self.assertEqual(result.returncode, 0, result.stderr)
        # The second in a process of its own, for all that is seen of it.
        result = fakes.run_main(
            *(*flags, "--num_runs=2", "--run_dir=study"),
            env=self.environment,
            cwd=self.parent,
        )
        self._assert_terminal(result)
        first = self._metrics("first")
        self.assertEqual(first, self._metrics("study/seed2"))
        self.assertNotEqual(first, self._metrics("study/seed1"))
        losses = [
            self._summary(name)["test_loss"]
            for name in ("first", "study/seed2")
        ]
        self.assertEqual(*losses)
        self.assertRegex(result.stdout, "\ntest accuracy with TTA +[0-9]")
        for name in "study.png", "seed2/plots/curves.png":
            picture = (self.parent / "study" / name).read_bytes()
            self.assertStartsWith(picture, b"\x89PNG")

    def test_a_complete_run_is_not_repeated(self):
        before = (self.path / "summary.json").stat().st_mtime_ns
        result = self._run(*_FIRST, "--run_dir=first")
        self.assertEqual(result.returncode, 0)
        self.assertIn("Nothing left to do", result.stdout)
        self.assertEqual(
            (self.path / "summary.json").stat().st_mtime_ns, before
        )

    def test_other_flags_are_refused(self):
        result = self._run(*_FIRST, "--run_dir=first", "--epochs=4")
        self.assertEqual(result.returncode, 1)
        self.assertIn("epochs: 2 -> 4", result.stderr)

    def test_restart_keeps_the_old_run(self):
        shutil.copytree(self.path, self.parent / "twice")
        result = self._run(
            "--max_train_examples=50", "--epochs=1", "--run_dir=twice",
            "--seed=9", "--restart",
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self._summary("twice")["seed"], 9)
        self.assertEqual(self._summary("twice.1"), self._summary())
        self.assertEqual(self._summary("twice")["num_train_examples"], 50)

    def test_a_run_with_everything_that_is_not_plain_keras(self):
        self._make("fancy")
        summary = self._summary("fancy")
        self.assertEqual(summary["precision"], "mixed_float16")
        self.assertEqual(summary["learning_rate"], 0.2)
        self.assertEqual(summary["label_smoothing"], 0.15)
        rates = [row["learning_rate"] for row in self._metrics("fancy")]
        self.assertLess(rates[1], rates[0])

    @parameterized.parameters("speedrun_float32", "speedrun_bfloat16")
    def test_what_is_frozen_is_what_the_training_images_ask_for(self, name):
        self._make(name)
        self.assertGreater(self._summary(name)["label_smoothing"], 0)
        model = keras.models.load_model(self.parent / name / "model.keras")
        expected = build_model("speedrun_s")
        with mock.patch.dict(os.environ, self.environment):
            images = load_dataset("cifar10", "").train.images
        whitening.adapt(expected, images)
        for saved, computed in zip(
            model.get_layer("whiten").get_weights(),
            expected.get_layer("whiten").get_weights(),
            strict=True,
        ):
            np.testing.assert_allclose(saved, computed, rtol=1e-4, atol=1e-4)

    def test_models_load_without_this_package(self):
        for name in _FLAGS:
            self._make(name)
        names = ["first", *_FLAGS]
        models = [self.parent / name / "model.keras" for name in names]
        result = subprocess.run(
            [sys.executable, "-c", _PLAIN_KERAS, self.data, *models],
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        for name, (loss, accuracy) in zip(
            names, json.loads(result.stdout), strict=True
        ):
            summary = self._summary(name)
            # Of 100 images.
            self.assertAlmostEqual(accuracy, summary["test_accuracy"], places=6)
            # That without smoothing; rounding depends on the batches.
            self.assertAlmostEqual(loss, summary["test_loss"], delta=0.01)

    def test_divergence_is_an_error(self):
        result = self._run(
            "--learning_rate=1e30", "--epochs=2", "--run_dir=diverged",
            "--max_train_examples=100",
        )  # fmt: skip
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, "\nerror: .*loss became (nan|inf)")
        self.assertFalse((self.parent / "diverged" / "summary.json").exists())

    def test_without_cifar10_it_is_synthetic10_and_says_so(self):
        fakes.write_synthetic10(
            self.parent / "cache" / "cifar10_tf" / "tensorflow_datasets"
        )
        result = self._run(
            "--model=baseline", "--epochs=1", "--max_train_examples=40",
            "--validation_fraction=0", "--seed=4", "--deterministic",
            "--data_dir=empty",
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertStartsWith(
            result.stderr, "warning: CIFAR-10 is not prepared"
        )
        self.assertIn("NOT CIFAR-10", result.stderr)
        summary = self._summary("runs/synthetic10-baseline-seed4")
        self.assertEqual(summary["dataset"], "synthetic10")
        self.assertIn("crescent", summary["per_class_accuracy"])
        self.assertIsNone(summary["validation_accuracy"])
        self.assertEqual(summary["num_validation_examples"], 0)

    def test_evaluate_agrees(self):
        result = self._run("evaluate", "--run_dir=first", "--tta")
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in ("test_accuracy", "test_accuracy_tta"):
            accuracy = self._summary()[name]
            self.assertIn(f"test accuracy {accuracy:.2%}", result.stdout)
        self.assertEqual(result.stdout.count("test accuracy"), 2)

    def test_evaluate_refuses_a_broken_model(self):
        shutil.copytree(self.path, self.parent / "broken")
        model = self.parent / "broken" / "model.keras"
        model.write_bytes(model.read_bytes()[:5000])
        result = self._run("evaluate", "--run_dir=broken")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stderr, r"^error: .*model.keras can't be loaded"
        )


class OutOfMemoryTest(absltest.TestCase):
    def test_says_what_to_do(self):
        no_room = tf.errors.ResourceExhaustedError(None, None, "no room")
        for error in MemoryError(), no_room:
            with (
                mock.patch.object(
                    trainer, "set_up_tensorflow", side_effect=error
                ),
                self.assertRaisesRegex(UserError, "memory.*--batch_size=256"),
            ):
                trainer.train(make_config(), make_options())


if __name__ == "__main__":
    absltest.main()

"""Whole runs through the command line, on a small data set."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from PIL import Image

from cifar10_tf import (
    checkpoint,
    datasets,
    models,
    precision,
    setting_up,
    trainer,
)
from cifar10_tf import config as config_lib
from cifar10_tf.errors import UserError
from cifar10_tf.models import whitening
from tests import fakes

_ON_A_MACHINE = """
import sys
from cifar10_tf import main, precision
policy = sys.argv.pop(1)
precision.for_this_machine = lambda: (policy, "of a reason")
main.run()
"""

_PLAIN_KERAS = """
import sys, warnings, keras, numpy as np, tensorflow_datasets as tfds
data = tfds.builder_from_directory(sys.argv[2]).as_dataset(
    split="test", batch_size=-1)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    model = keras.models.load_model(sys.argv[1])
images, labels = (data[name].numpy() for name in ("image", "label"))
print(*model.evaluate(images / 255, np.eye(10)[labels], verbose=0))
print((model.predict(images / 255, verbose=0).argmax(1) == labels).mean())
assert "cifar10_tf" not in sys.modules
"""

_SUMMARY_KEYS = {
    "status", "dataset", "model", "num_params", "seed", "precision", "epochs",
    "steps", "batch_size", "num_train_examples", "num_validation_examples",
    "num_test_examples", "train_accuracy", "validation_accuracy",
    "test_accuracy", "test_accuracy_ci95", "test_loss", "per_class_accuracy",
    "first_step_sec", "train_sec", "total_sec", "images_per_sec", "versions",
    "hardware", "command",
}  # fmt: skip


class TrainTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.parent = pathlib.Path(directory.name)
        cls.data = fakes.write_cifar10(cls.parent / "data")
        cls.environment = os.environ | fakes.environment(
            cache=cls.parent / "cache", data_dir=cls.parent / "data"
        )
        cls.flags = [
            "--epochs=3",
            "--batch_size=32",
            "--mixed_precision",
            "--augment=crop=2,flip,cutmix",
            "--tta",
        ]
        cls.first = cls._run(*cls.flags, "--run_dir=first")
        cls.path = cls.parent / "first"

    @classmethod
    def _run(cls, *arguments):
        return fakes.run_main(*arguments, env=cls.environment, cwd=cls.parent)

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
            + ["summary.json"],
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
        self.assertEqual(summary["num_train_examples"], 420)
        self.assertEqual(summary["num_validation_examples"], 180)
        self.assertEqual(summary["num_test_examples"], 200)
        self.assertEqual(summary["steps"], 3 * 14)
        low, high = summary["test_accuracy_ci95"]
        self.assertBetween(summary["test_accuracy"], low, high)
        last = self._metrics("first")[-1]
        self.assertEqual(summary["validation_accuracy"], last["val_accuracy"])
        self.assertLess(summary["train_sec"], summary["total_sec"])

    def test_it_learns(self):
        losses = [row["loss"] for row in self._metrics("first")]
        self.assertLess(losses[-1], losses[0])

    def test_terminal(self):
        self.assertIn("test accuracy", self.first.stdout)
        self.assertIn("Precision ", self.first.stderr)
        for line in self.first.stderr.splitlines():
            self.assertRegex(
                line,
                "^(Decoding|Precision|Training|Recipe|Run dir|Evaluating)",
            )

    def test_a_run_of_a_study_is_the_same_alone(self):
        result = self._run(*self.flags, "--num_runs=2", "--run_dir=study")
        self.assertEqual(result.returncode, 0, result.stderr)
        first = self._metrics("first")
        self.assertEqual(first, self._metrics("study/seed1"))
        self.assertNotEqual(first, self._metrics("study/seed2"))
        losses = [
            self._summary(name)["test_loss"]
            for name in ("first", "study/seed1")
        ]
        self.assertEqual(*losses)
        self.assertRegex(result.stdout, "\ntest accuracy with TTA +[0-9]")
        self.assertTrue((self.parent / "study" / "study.png").exists())

    def test_a_complete_run_is_not_repeated(self):
        before = (self.path / "summary.json").stat().st_mtime_ns
        result = self._run(*self.flags, "--run_dir=first")
        self.assertEqual(result.returncode, 0)
        self.assertIn("Nothing left to do", result.stdout)
        self.assertEqual(
            (self.path / "summary.json").stat().st_mtime_ns, before
        )

    def test_other_flags_are_refused(self):
        result = self._run(*self.flags, "--run_dir=first", "--epochs=4")
        self.assertEqual(result.returncode, 1)
        self.assertIn("epochs: 3 -> 4", result.stderr)

    def test_restart_keeps_the_old_run(self):
        flags = ["--max_train_examples=50", "--epochs=1", "--run_dir=twice"]
        for more in ([], ["--seed=9", "--restart"]):
            self.assertEqual(self._run(*flags, *more).returncode, 0)
        self.assertEqual(self._summary("twice")["seed"], 9)
        self.assertEqual(self._summary("twice.1")["seed"], 1)
        self.assertEqual(self._summary("twice")["num_train_examples"], 50)

    def test_the_default_run_directory(self):
        result = self._run(
            "--model=baseline", "--epochs=1", "--max_train_examples=40",
            "--validation_fraction=0", "--seed=4", "--deterministic",
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = self._summary("runs/cifar10-baseline-seed4")
        self.assertIsNone(summary["validation_accuracy"])
        self.assertEqual(summary["num_validation_examples"], 0)

    def test_a_run_with_everything_that_is_not_plain_keras(self):
        result = self._run(
            "--precision=mixed_float16", "--epochs=2", "--run_dir=fancy",
            "--max_train_examples=100", "--batch_size=20", "--optimizer=muon",
            "--schedule=one_cycle", "--ema=0.9", "--label_smoothing=0.1",
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = self._summary("fancy")
        self.assertEqual(summary["precision"], "mixed_float16")
        self.assertEqual(summary["learning_rate"], 0.1)
        self.assertEqual(summary["label_smoothing"], 0.1)
        rates = [row["learning_rate"] for row in self._metrics("fancy")]
        self.assertLess(rates[1], rates[0])
        self._assert_loads_without_this_package("fancy")

    def test_speedrun(self):
        images = datasets.load("cifar10", self.parent / "data").train.images
        for policy in ("float32", "mixed_bfloat16"):
            name = f"speedrun_{policy}"
            result = self._run(
                "--model=speedrun_s", f"--precision={policy}",
                "--batch_size=50", "--validation_fraction=0",
                f"--run_dir={name}",
            )  # fmt: skip
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertGreater(self._summary(name)["label_smoothing"], 0)
            # Plain Keras agrees on the loss, which is that without smoothing.
            self._assert_loads_without_this_package(name)
            # What was frozen is what the training images ask for.
            model = keras.models.load_model(self.parent / name / "model.keras")
            expected = models.build_model("speedrun_s")
            whitening.adapt(expected, images)
            for saved, computed in zip(
                model.get_layer("whiten").get_weights(),
                expected.get_layer("whiten").get_weights(),
                strict=True,
            ):
                np.testing.assert_allclose(
                    saved, computed, rtol=1e-4, atol=1e-4
                )

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
            "--epochs=1", "--max_train_examples=40", "--data_dir=empty",
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertStartsWith(
            result.stderr, "warning: CIFAR-10 is not prepared"
        )
        self.assertIn("NOT CIFAR-10", result.stderr)
        summary = self._summary("runs/synthetic10-dropout-seed1")
        self.assertEqual(summary["dataset"], "synthetic10")
        self.assertIn("crescent", summary["per_class_accuracy"])

    def test_evaluate_agrees(self):
        result = self._run("evaluate", "--run_dir=first", "--tta")
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in ("test_accuracy", "test_accuracy_tta"):
            accuracy = self._summary()[name]
            self.assertIn(f"test accuracy {accuracy:.2%}", result.stdout)
        self.assertEqual(result.stdout.count("test accuracy"), 2)

    def test_evaluate_refuses_a_broken_model(self):
        self._run("--max_train_examples=50", "--epochs=1", "--run_dir=broken")
        model = self.parent / "broken" / "model.keras"
        model.write_bytes(model.read_bytes()[:5000])
        result = self._run("evaluate", "--run_dir=broken")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stderr, r"^error: .*model.keras can't be loaded"
        )

    def test_the_model_loads_without_this_package(self):
        self._assert_loads_without_this_package("first")

    def _assert_loads_without_this_package(self, name):
        model = self.parent / name / "model.keras"
        result = subprocess.run(
            [sys.executable, "-c", _PLAIN_KERAS, model, self.data],
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        loss, accuracy, predicted = map(float, result.stdout.split())
        summary = self._summary(name)
        self.assertEqual(predicted, summary["test_accuracy"])
        self.assertAlmostEqual(accuracy, summary["test_accuracy"], places=6)
        # Rounding depends on the batches.
        self.assertAlmostEqual(loss, summary["test_loss"], delta=0.01)


class FolderTest(absltest.TestCase):
    """A folder of a user's own: few images, of all kinds, unequal classes."""

    def setUp(self):
        super().setUp()
        self.parent = pathlib.Path(self.create_tempdir().full_path)
        self.environment = os.environ | fakes.environment(
            cache=self.parent / "cache", data_dir=self.parent / "data"
        )
        self.pets = fakes.write_folder(
            self.parent / "my pets",
            {"train/cat": 20, "train/$dog": 7, "train/emu": 2, "test/cat": 5}
            | {"test/emu": 2},
        )
        picture = Image.new("RGBA", (50, 90), (200, 90, 20, 100))
        picture.save(self.pets / "train" / "emu" / "rgba.webp")
        for mode, name in ("L", "a.bmp"), ("CMYK", "b.jpg"), ("P", "c.gif"):
            picture.convert("RGB").convert(mode).save(
                self.pets / "train" / "emu" / name
            )

    def _run(self, *arguments):
        return fakes.run_main(*arguments, env=self.environment, cwd=self.parent)

    def test_train_and_evaluate(self):
        flags = ["--dataset=folder:my pets", "--epochs=1", "--batch_size=8"]
        result = self._run(*flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        run = self.parent / "runs" / "folder-my-pets-dropout-seed1"
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
        result = self._run("evaluate", f"--run_dir={run}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(accuracy, result.stdout)

        fakes.write_folder(self.pets, {"train/fox": 1})
        result = self._run("evaluate", f"--run_dir={run}")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stderr, "error: .*or no dropout that tells 4 classes"
        )

    def test_broken_files_are_named_before_anything_is_written(self):
        for name in ("train/cat/a.png", "test/emu/b.png"):
            (self.pets / name).write_text("no image")
        result = self._run("--dataset=folder:my pets", "--run_dir=run")
        self.assertEqual(result.returncode, 1)
        lines = result.stderr.splitlines()
        self.assertStartsWith(lines[-3], "error: 2 of the files")
        self.assertEqual(
            lines[-2:],
            [f"  {n}: not an image" for n in ("train/cat/a.png",
             "test/emu/b.png")],
        )  # fmt: skip
        self.assertFalse((self.parent / "run").exists())

    def test_goes_on_in_the_precision_that_it_began_with(self):
        flags = ["--dataset=folder:my pets", "--model=baseline", "--epochs=1"]
        flags += ["--mixed_precision", "--run_dir=run"]
        end = "--max_minutes=1e-9"
        for more in ["mixed_float16", *flags, end], ["float32", *flags]:
            result = subprocess.run(
                [sys.executable, "-c", _ON_A_MACHINE, *more],
                env=self.environment, cwd=self.parent, text=True,
                capture_output=True,
            )  # fmt: skip
            status = 75 if end in more else 0
            self.assertEqual(result.returncode, status, result.stderr)
        self.assertIn(
            "Precision mixed_float16: the run began with it", result.stderr
        )
        summary = (self.parent / "run" / "summary.json").read_text()
        self.assertEqual(json.loads(summary)["precision"], "mixed_float16")

    def test_prepare_and_doctor(self):
        result = self._run("prepare", "--dataset=folder:my pets")
        self.assertIn("33 training and 7 test images", result.stdout)
        result = self._run("doctor", "--dataset=folder:my pets")
        self.assertIn(f"ready in {self.pets}", result.stdout)


class OutOfMemoryTest(absltest.TestCase):
    def test_says_what_to_do(self):
        no_room = tf.errors.ResourceExhaustedError(None, None, "no room")
        for error in MemoryError(), no_room:
            with (
                mock.patch.object(
                    setting_up, "set_up_tensorflow", side_effect=error
                ),
                self.assertRaisesRegex(UserError, "memory.*--batch_size=256"),
            ):
                trainer.train(config_lib.make_config())


class PrecisionTest(absltest.TestCase):
    def _precision(self, asked_for, *begun_with):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        found = None
        if begun_with:
            [policy] = begun_with
            found = checkpoint.Checkpoint(1, [], {"precision": policy})
        here = "mixed_bfloat16", "of a reason"
        with mock.patch.object(precision, "for_this_machine", lambda: here):
            policy = setting_up.set_precision(
                config_lib.make_config(precision=asked_for), found
            )
        self.assertEqual(keras.config.dtype_policy().name, policy)
        return policy

    def test_auto_is_of_this_machine_and_of_where_the_run_began(self):
        self.assertEqual(self._precision("auto"), "mixed_bfloat16")
        self.assertEqual(
            self._precision("auto", "mixed_float16"), "mixed_float16"
        )
        self.assertEqual(self._precision("float32"), "float32")

    def test_a_forged_one_is_none(self):
        for forged in None, "x", ["float32"], {}:
            self.assertEqual(self._precision("auto", forged), "mixed_bfloat16")


class CompiledModelTest(absltest.TestCase):
    def test_the_settings_reach_the_optimizer(self):
        config = config_lib.make_config(
            optimizer="sgd", schedule="linear", learning_rate=0.5, warmup=0.2,
            weight_decay=0.3, ema=0.9, label_smoothing=0.1,
        )  # fmt: skip
        model = setting_up.compiled_model(config, num_classes=10, num_steps=10)
        optimizer = model.optimizer
        self.assertIsInstance(optimizer, keras.optimizers.SGD)
        self.assertEqual(optimizer.weight_decay, 0.3)
        self.assertEqual(optimizer.ema_momentum, 0.9)
        self.assertEqual(model.loss.label_smoothing, 0.1)
        for step, rate in (2, 0.5), (6, 0.25), (10, 0.0):
            optimizer.iterations.assign(step)
            self.assertAlmostEqual(float(optimizer.learning_rate), rate)

    def test_float16_scales_its_loss_and_others_do_not(self):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        scaled = keras.optimizers.LossScaleOptimizer
        for policy in ("mixed_float16", "mixed_bfloat16", "float32"):
            keras.config.set_dtype_policy(policy)
            model = setting_up.compiled_model(
                config_lib.make_config(), num_classes=10, num_steps=9
            )
            self.assertEqual(
                isinstance(model.optimizer, scaled), policy == "mixed_float16"
            )

    def test_the_first_step_is_traced_once(self):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        images, labels = fakes.random_arrays(4)
        train_step = keras.Model.train_step
        for policy in ("mixed_float16", "float32"):
            keras.config.set_dtype_policy(policy)
            model = setting_up.compiled_model(
                config_lib.make_config(), num_classes=10, num_steps=9
            )
            with mock.patch.object(
                keras.Model, "train_step", autospec=True, side_effect=train_step
            ) as traced:
                model.fit(
                    images / 255, np.eye(10)[labels], batch_size=2, verbose=0
                )
            traced.assert_called_once()


if __name__ == "__main__":
    absltest.main()

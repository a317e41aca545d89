"""Runs from Python, in one process."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import keras
import numpy as np
import pytest
from absl.testing import absltest

import cifar10_tf
from cifar10_tf import api
from cifar10_tf.runs import saved_model
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system import interruption, process_clock
from tests import fakes, undrawn
from tests.cases import MachineTestCase
from tests.report import run_directories

_EPOCHS = 6


def _weights(run) -> list[bytes]:
    return [array.tobytes() for array in run.model.get_weights()]


def _interrupt_after_epochs(run_dir: pathlib.Path, num_epochs: int) -> None:
    """Has Ctrl-C pressed when the log has so many lines."""
    log, main_thread = run_dir / "metrics.jsonl", threading.main_thread()

    def press():
        while (
            not log.exists() or len(log.read_text().splitlines()) < num_epochs
        ):
            time.sleep(0.01)
        signal.pthread_kill(main_thread.ident, signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


class ApiTestCase(MachineTestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(setattr, process_clock, "_began_sec", 0.0)
        self.enter_context(undrawn.figures())
        self.addCleanup(os.chdir, os.getcwd())
        self.directory = pathlib.Path(self.create_tempdir("here").full_path)
        os.chdir(self.directory)

    def _train(self, **settings):
        defaults = {
            "dataset": f"folder:{self.directory / 'pets'}",
            "model": "dropout",
            "epochs": _EPOCHS,
            "batch_size": 8,
            "validation_fraction": 0.1,
        }
        return cifar10_tf.train(**(defaults | settings))

    def _write_pets(self):
        fakes.write_folder(
            self.directory / "pets",
            {"train/cat": 20, "train/dog": 20, "test/cat": 5, "test/dog": 5},
        )


@pytest.mark.slow
@pytest.mark.signals
class TrainTest(ApiTestCase):
    def setUp(self):
        super().setUp()
        self._write_pets()

    def test_a_training_and_an_interrupted_one_in_one_process(self):
        # Keras numbers its layers through all models of a process.
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        began = time.monotonic()
        first = self._train(
            run_dir=pathlib.Path("first"), epochs=np.int64(_EPOCHS)
        )
        # Not since the process began.
        took_sec = time.monotonic() - began
        self.assertLess(first.summary["first_step_sec"], took_sec)
        self.assertLen(first.history, _EPOCHS)
        self.assertEqual(first.config.epochs, _EPOCHS)
        self.assertIn("cifar10_tf.train(", first.summary["command"])

        before = signal.getsignal(signal.SIGINT)
        _interrupt_after_epochs(self.directory / "third", 3)
        with self.assertRaisesRegex(KeyboardInterrupt, "after step .* goes on"):
            self._train(run_dir="third")
        self.assertIs(signal.getsignal(signal.SIGINT), before)
        with self.assertLogs("cifar10_tf", "INFO") as logs:
            third = self._train(run_dir="third")
        self.assertIn("Resuming from step", "\n".join(logs.output))
        self.assertEqual(_weights(first), _weights(third))

    def test_time_that_is_over(self):
        with self.assertRaisesRegex(
            KeyboardInterrupt, "max_minutes .*call, without restart, goes on"
        ):
            self._train(run_dir="run", epochs=1, max_minutes=1e-6, restart=True)
        self.assertIsNone(interruption.due())
        self._train(run_dir="run", epochs=1)

    def test_what_comes_after_is_as_before(self):
        def train():
            return self._train(
                run_dir="run", epochs=1, precision="mixed_bfloat16"
            )

        run = train()
        self.assertEqual(run.summary["precision"], "mixed_bfloat16")
        # The policy of other models of the notebook.
        self.assertEqual(keras.config.dtype_policy().name, "float32")
        summary = run.summary
        self.assertEqual(train().summary, summary)  # not repeated
        self.assertIn(f"{summary['test_accuracy']:.2%}", run._repr_html_())

    def test_compare(self):
        labels = np.arange(90) % 3
        for name in "one", "other":
            run_directories.write(
                self.directory / name,
                labels,
                run_directories.random_predictions(labels),
            )
        one = cifar10_tf.load_run("one")
        found = cifar10_tf.compare([one, pathlib.Path("other")])
        self.assertIn("no difference shown", repr(found))
        self.assertIn("no difference shown", found._repr_html_())
        self.assertLen(found.to_dict()["subjects"], 2)
        found.save("both.html")
        self.assertTrue((self.directory / "both.html").exists())
        for arguments, message in (
            ([[one]], "two directories"),
            ([one, one], "one list"),
            ([one], "one list"),
            (["one"], "one list"),
            ([[one, 5]], "got 5"),
        ):
            with self.assertRaisesRegex(cifar10_tf.UserError, message):
                cifar10_tf.compare(*arguments)

    def test_the_directory_is_derived_and_nobody_elses(self):
        (self.directory / "metrics.jsonl").write_text("mine")
        (self.directory / "checkpoints").mkdir()
        (self.directory / "checkpoints" / "my_best_model.h5").write_text("mine")
        run = self._train(epochs=1)
        self.assertEqual(
            run.path, self.directory / "runs" / "folder-pets-dropout-seed1"
        )
        for name in "metrics.jsonl", "checkpoints/my_best_model.h5":
            self.assertEqual((self.directory / name).read_text(), "mine")


class RunTest(ApiTestCase):
    def test_classes_of_one_name_are_as_many(self):
        names = {
            "class_names": ["cat", "cat"],
            "per_class_accuracy": {"cat": 1},
        }
        directory = RunDirectory("run")
        directory.open(make_config(dataset="synthetic10"))
        directory.complete(fakes.SUMMARY | names)
        with mock.patch.object(saved_model, "load") as load:
            cifar10_tf.load_run("run").model  # noqa: B018
        self.assertEqual(load.call_args.args[1], 2)


class NamesTest(absltest.TestCase):
    def test_what_is_imported_on_demand_is_listed(self):
        # As a notebook completes it; nothing may have asked for them before.
        program = "import cifar10_tf; print(*dir(cifar10_tf))"
        names = subprocess.check_output(
            [sys.executable, "-c", program], text=True
        ).split()
        self.assertContainsSubset(cifar10_tf.__all__, names)
        self.assertIn("__name__", names)


class MistakesTest(ApiTestCase):
    def test_something_else_is_left_alone(self):
        self._write_pets()
        (self.directory / "metrics.jsonl").write_text("mine")
        for restart in False, True:
            with self.assertRaisesRegex(cifar10_tf.UserError, "not a run"):
                self._train(run_dir=self.directory, restart=restart)
        self.assertEqual((self.directory / "metrics.jsonl").read_text(), "mine")
        self.assertTrue(self.directory.exists())

    def test_settings(self):
        for settings, problem in (
            ({"modle": "dropout"}, "Unknown setting 'modle'"),
            ({"model": "resnet"}, "Unknown model 'resnet'"),
            ({"epochs": 0}, "epochs must be between 1"),
            ({"epochs": "3"}, "epochs must be of type int"),
        ):
            with (
                mock.patch("cifar10_tf.system.tensorflow_startup."
                           "start_tensorflow") as start,
                self.assertRaisesRegex(ValueError, problem),
            ):  # fmt: skip
                self._train(**settings)
            start.assert_not_called()

    def test_a_path_as_dataset_is_a_folder(self):
        path = pathlib.Path("my pets")
        config, _ = api.config_and_options({"dataset": path, "run_dir": path})
        self.assertEqual(config.dataset, "folder:my pets")
        self.assertEqual(config.run_dir, "my pets")

    def test_load_run(self):
        with self.assertRaisesRegex(cifar10_tf.UserError, "got 5"):
            cifar10_tf.load_run(5)
        with self.assertRaisesRegex(cifar10_tf.UserError, "does not exist"):
            cifar10_tf.load_run("nowhere")
        with self.assertRaisesRegex(cifar10_tf.UserError, "not a run"):
            cifar10_tf.load_run(self.directory)
        for seed in range(1, 5):
            run = RunDirectory(f"study/seed{seed}")
            run.open(make_config(dataset="synthetic10", seed=seed))
            run.close()
        with self.assertRaisesRegex(
            cifar10_tf.UserError,
            "is a study .* Choose .*/study/seed1, .*seed3 ",
        ) as caught:
            cifar10_tf.load_run("study")
        self.assertNotIn("--", str(caught.exception))
        self.assertEqual(cifar10_tf.load_run("study/seed2").config.seed, 2)


if __name__ == "__main__":
    absltest.main()

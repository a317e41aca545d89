import contextlib
import io
import json
import pathlib
import random
import signal
import tempfile
from unittest import mock

import keras
import numpy as np
import pytest
from absl.testing import absltest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

import cifar10_tf
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.callbacks import tensorboard
from cifar10_tf.training.callbacks.tensorboard import TensorBoard
from cifar10_tf.training.checkpointing.when_to_save import Checkpoints
from tests import fakes, launcher
from tests.cases import CommandTestCase
from tests.torture.bench import Bench, wait_for_checkpoint
from tests.training.checkpointing.small_run import EPOCHS, STEPS, SmallRun

_TAGS = {
    "steps": ["batch_loss", "batch_learning_rate"],
    "train": ["epoch_loss", "epoch_accuracy", "epoch_learning_rate",
              "epoch_images_per_sec"],
    "validation": ["epoch_loss", "epoch_accuracy"],
    "test": ["test_accuracy", "test_loss"],
}  # fmt: skip

_EPOCHS = 3

_OFTEN = """
from cifar10_tf.training.callbacks import tensorboard
tensorboard._EVERY = 3
"""

# In place of an installation that has only what cifar10_tf needs.
_WITHOUT_TENSORBOARD = (
    "import sys; sys.modules['tensorboard'] = None;" + launcher.MAIN
)


def _read(run_dir: pathlib.Path, name: str) -> EventAccumulator:
    path = str(run_dir / "tensorboard" / name)
    return EventAccumulator(path, size_guidance={"scalars": 0}).Reload()


def _curves(run_dir: pathlib.Path) -> dict:
    """Returns [step, value] of each point, by directory and tag."""
    curves = {}
    for name in "steps", "train", "validation":
        reader = _read(run_dir, name)
        for tag in reader.Tags()["scalars"]:
            points = [(e.step, e.value) for e in reader.Scalars(tag)]
            curves[name, tag] = points
    return curves


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, "PNG")
    return file.getvalue()


class _Kill(keras.callbacks.Callback):
    """Ends the training within a step or an epoch's end, as a kill does."""

    def __init__(self, step: int):
        super().__init__()
        self._left = step

    def on_epoch_begin(self, epoch, logs=None):
        self._check()

    def on_train_batch_begin(self, batch, logs=None):
        self._check()

    def on_train_batch_end(self, batch, logs=None):
        self._check()

    def on_epoch_end(self, epoch, logs=None):
        self._check()

    def _check(self):
        self._left -= 1
        if not self._left:
            raise RuntimeError("killed")


class CurvesTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(tensorboard, "_EVERY", 2))

    def _fit(self, path: pathlib.Path, *more, every_sec: float = 0.0):
        board = TensorBoard(RunDirectory(path), None)
        board_begin = board.begin
        board.begin = lambda step, log, draw_samples: board_begin(
            step, log, _png
        )
        path.mkdir(exist_ok=True)
        SmallRun(path, every_sec=every_sec).fit(*more, board=board)
        board.close()

    def test_no_point_is_missing_or_double_wherever_it_was_killed(self):
        parent = pathlib.Path(self.create_tempdir().full_path)
        self._fit(parent / "alone")
        expected = _curves(parent / "alone")
        del expected["train", "epoch_images_per_sec"]
        steps = [step for step, _ in expected["steps", "batch_loss"]]
        self.assertEqual(steps, [2, 3, 5, 6])
        for name in "train", "validation":
            epochs = [step for step, _ in expected[name, "epoch_loss"]]
            self.assertEqual(epochs, [1, 2])
        # Each call of a callback is one; checkpoints are of ends of epochs, of
        # each step or of the first.
        for num_calls, every_sec in (
            (9, 1e6),  # the epoch is over, and was not when it was saved
            (13, 1e6),  # two steps more than were saved
            (13, 0.0),
            (9, None),  # an epoch that is done again
        ):
            path = parent / f"{num_calls}-{every_sec}"
            once = mock.patch.object(
                Checkpoints, "_is_time", lambda self, _: not self._saved_step
            )
            with (
                once if every_sec is None else contextlib.nullcontext(),
                self.assertRaisesRegex(RuntimeError, "killed"),
            ):
                self._fit(path, _Kill(num_calls), every_sec=every_sec or 0.0)
            self._fit(path)
            curves = _curves(path)
            # That of the steps that count, not of those done again.
            lines = (path / "metrics.jsonl").read_text().splitlines()
            rates = [json.loads(line)["images_per_sec"] for line in lines]
            np.testing.assert_array_equal(
                [v for _, v in curves.pop(("train", "epoch_images_per_sec"))],
                np.float32([rate for rate in rates if rate is not None]),
            )
            self.assertEqual(curves, expected, path.name)
            self.assertLen(_read(path, "steps").Images("samples"), 1)

    def test_a_run_that_goes_on_with_it_has_all_epochs(self):
        path = pathlib.Path(self.create_tempdir().full_path)
        with self.assertRaisesRegex(RuntimeError, "killed"):
            SmallRun(path).fit(_Kill(12))  # in the second epoch
        self._fit(path)
        curves = _curves(path)
        for name in "train", "validation":
            epochs = [step for step, _ in curves[name, "epoch_loss"]]
            self.assertEqual(epochs, [1, 2])

    def test_steps_beyond_the_run(self):
        board = TensorBoard(RunDirectory("run"), (3, STEPS * EPOCHS))
        board.check(STEPS * EPOCHS)
        with self.assertRaisesRegex(UserError, "step 6, .* step 5; choose"):
            board.check(5)


@pytest.mark.slow
@pytest.mark.signals
class KilledRunTest(absltest.TestCase):
    def test_has_all_that_was_promised(self):
        path = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(path, random.Random(1), launcher.heavy().start)
        flags = ["--model=speedrun_s", f"--epochs={_EPOCHS}", "--tensorboard"]
        run_dir = path / "killed"
        process = bench.start(flags, run_dir, _OFTEN)
        wait_for_checkpoint(process, run_dir)
        process.kill()
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        status, error = bench.finish(flags, run_dir, _OFTEN)
        self.assertEqual(status, 0, error)
        self.assertIn("Resuming from step", error)

        run = cifar10_tf.load_run(run_dir)
        num_steps = run.summary["steps"] // _EPOCHS
        of_epoch = [*range(3, num_steps, 3)]
        if num_steps not in of_epoch:
            of_epoch.append(num_steps)
        steps = [
            num_steps * epoch + s for epoch in range(_EPOCHS) for s in of_epoch
        ]
        self._check_tags(run_dir)
        for (name, tag), points in _curves(run_dir).items():
            expected = steps if name == "steps" else [*range(1, _EPOCHS + 1)]
            self.assertEqual([step for step, _ in points], expected, tag)
            if name != "steps":
                key = tag.replace("epoch_", "val_"[: 4 * (name != "train")])
                for (_, value), row in zip(points, run.history, strict=True):
                    self.assertAlmostEqual(value, row[key], delta=1e-6 * value)
        self._check_test(run_dir, run)

    def _check_tags(self, run_dir: pathlib.Path) -> None:
        directories = {p.name for p in (run_dir / "tensorboard").iterdir()}
        self.assertEqual(directories, set(_TAGS))
        images = {"steps": ["samples"], "test": ["confusion_matrix"]}
        for name, tags in _TAGS.items():
            found = _read(run_dir, name).Tags()
            self.assertCountEqual(found["scalars"], tags)
            self.assertEqual(found["images"], images.get(name, []))

    def _check_test(self, run_dir: pathlib.Path, run) -> None:
        reader = _read(run_dir, "test")
        (accuracy,) = reader.Scalars("test_accuracy")
        self.assertAlmostEqual(accuracy.value, run.summary["test_accuracy"])
        (picture,) = reader.Images("confusion_matrix")
        png = (run_dir / "plots" / "confusion_matrix.png").read_bytes()
        self.assertEqual(picture.encoded_image_string, png)
        content = reader.PluginTagToContent("hparams")
        data = HParamsPluginData.FromString(
            content["_hparams_/session_start_info"]
        )
        hparams = data.session_start_info.hparams
        self.assertCountEqual(hparams, run.config.settings())
        self.assertEqual(hparams["model"].string_value, "speedrun_s")
        self.assertEqual(hparams["batch_size"].number_value, 30)
        self.assertIn("_hparams_/session_end_info", content)


_PROFILED = """
import cifar10_tf
cifar10_tf.train(dataset="cifar10", model="speedrun_s", epochs=1, batch_size=10,
    max_train_examples=60, run_dir="run", tensorboard=True, profile_steps="2,4")
"""


class CommandTest(CommandTestCase):
    @pytest.mark.slow
    def test_profile_steps(self):
        fakes.write_cifar10(self.data_dir, 100, 20)
        flags = ["--dataset=cifar10", "--batch_size=10", "--tensorboard"]
        flags += ["--model=speedrun_s", "--epochs=1", "--run_dir=run"]
        flags += ["--max_train_examples=60", "--profile_steps=2,400"]
        result = self.run_heavy(*flags)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stderr.splitlines()[-1],
            "^error: profile_steps ends with step 400, and the training with",
        )
        self.assertFalse((self.directory / "run").exists())

        result = self.run_heavy(program=_PROFILED)
        self.assertEqual(result.returncode, 0, result.stderr)
        events = self.directory / "run" / "tensorboard"
        (trace,) = events.glob("plugins/profile/*/*.xplane.pb")
        self.assertIn(b"MatMul", trace.read_bytes())
        self.assertEqual(
            [
                e.step
                for e in _read(events.parent, "steps").Scalars("batch_loss")
            ],
            [cifar10_tf.load_run(events.parent).summary["steps"]],
        )

    def test_bad_values(self):
        for value in "x", "20,10", "0,5", "5", "1,2,3", "-1,5", "1.5,3":
            with self.subTest(value):
                self.assert_error(
                    self.run_light("--tensorboard", f"--profile_steps={value}"),
                    "profile_steps must be two steps",
                    "as 10,20",
                    repr(value),
                )

    def test_a_profile_without_tensorboard(self):
        self.assert_error(
            self.run_light("--profile_steps=10,20"), "--tensorboard"
        )

    def test_without_the_package(self):
        for flags in [], ["--num_runs=2"]:
            result = self.run_light(
                "--tensorboard", *flags, program=_WITHOUT_TENSORBOARD
            )
            self.assert_error(result, "[tensorboard]'")

    def test_a_run_without_it_needs_no_package(self):
        program = "import sys; sys.exit('tensorboard' in sys.modules)"
        result = self.run_heavy(program=program)  # has imported all the rest
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    absltest.main()

"""A notebook as people use it: trains, is interrupted, and goes on."""

import asyncio
import os
import pathlib
import threading
import time
from unittest import mock

import nbclient
import nbformat
import numpy as np
import pytest
from absl.testing import absltest

import cifar10_tf
from cifar10_tf.runs import checkpoint_files
from tests import fakes

_SETTINGS = {
    "model": "speedrun_s", "dataset": "synthetic10", "epochs": 6,
    "batch_size": 20, "max_train_examples": 200, "checkpoint_every_sec": 0.2,
}  # fmt: skip


def _train(name: str) -> str:
    return f"run = cifar10_tf.train(**{_SETTINGS}, run_dir={name!r})"


_COMMAND = "cifar10_tf.train(model='speedrun_s', dataset='synthetic10', epochs="

# What other tests look at need not be drawn here.
_SETUP = f"""
import sys; sys.path.append({str(pathlib.Path(__file__).parents[1])!r})
from tests import undrawn
undrawn.start()
import cifar10_tf
"""

_OTHER_MODELS = """
import keras, tensorflow as tf
for width in 3, 4:
    other = keras.Sequential([keras.Input((8,)), keras.layers.Dense(width)])
    other.compile("adam", "mse")
    other.fit(tf.ones([4, 8]), tf.ones([4, width]), verbose=0)
"""


@pytest.mark.slow
@pytest.mark.signals
class NotebookTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path)
        self.enter_context(
            mock.patch.dict(
                os.environ,
                fakes.environment(cache=self.path, data_dir=self.path)
                | {"JUPYTER_PLATFORM_DIRS": "1", "HOME": str(self.path)},
            )
        )
        fakes.write_synthetic10(self.path / "cifar10_tf/tensorflow_datasets")
        self.client = nbclient.NotebookClient(
            nbformat.v4.new_notebook(),
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(self.path)}},
        )

    def test_two_trainings_and_one_that_is_interrupted(self):
        with self.client.setup_kernel():
            self._run(_SETUP)
            for name in "first", "second":
                shown = self._run(_train(name))
                self._run(
                    f"assert run.summary['command'].startswith({_COMMAND!r})"
                )
                self.assertLess(len(shown), 6 * 300)  # a line an epoch
                self._run(_OTHER_MODELS)
            self._interrupt(_train("third"))
            shown = self._run(_train("third"))
            self.assertIn("Resuming from step", shown)
            shown = self._run(_train("third"))
            self.assertIn("Nothing left to do", shown)
        first, second, third = (
            cifar10_tf.load_run(self.path / name)
            for name in ("first", "second", "third")
        )
        for run in second, third:
            self.assertEqual(_figures(run), _figures(first))
            for one, other in zip(
                run.model.get_weights(), first.model.get_weights(), strict=True
            ):
                np.testing.assert_array_equal(one, other)
        # From the call on, not from the kernel's start.
        self.assertLess(second.summary["total_sec"], 60)
        self.assertLess(
            second.summary["first_step_sec"], second.summary["total_sec"]
        )

    def _run(self, code: str) -> str:
        """Runs a cell and returns what it shows."""
        cell = nbformat.v4.new_code_cell(code)
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        return "".join(output.get("text", "") for output in cell.outputs)

    def _interrupt(self, code: str) -> None:
        """Runs a cell, presses the button, and reads the error."""
        presses = threading.Thread(target=self._press)
        presses.start()
        with self.assertRaises(
            nbclient.exceptions.CellExecutionError
        ) as caught:
            self._run(code)
        presses.join()
        self.assertEqual(caught.exception.ename, "KeyboardInterrupt")
        self.assertRegex(
            caught.exception.evalue,
            r"SIGINT( after step \d+ of 60)?; the same call goes on with it",
        )

    def _press(self) -> None:
        checkpoints = self.path / "third" / "checkpoints"
        end = time.monotonic() + 60
        while not checkpoint_files.find(checkpoints) and time.monotonic() < end:
            time.sleep(0.01)
        asyncio.run(self.client.km.interrupt_kernel())


def _figures(run) -> list:
    return [
        (epoch["loss"], epoch["val_loss"], epoch["accuracy"])
        for epoch in run.history
    ]


if __name__ == "__main__":
    absltest.main()

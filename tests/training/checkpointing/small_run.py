"""A training of six steps with all that saves it and goes on with it."""

import json
from typing import Self
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from cifar10_tf.runs import checkpoint
from cifar10_tf.system import interruption
from cifar10_tf.training import loop
from cifar10_tf.training.callbacks.board import Board
from cifar10_tf.training.callbacks.divergence import Divergence
from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.throughput import Throughput
from cifar10_tf.training.checkpointing.background_writer import CheckpointWriter
from cifar10_tf.training.checkpointing.provenance import Provenance
from cifar10_tf.training.checkpointing.resuming import resume
from cifar10_tf.training.checkpointing.when_to_save import Checkpoints
from cifar10_tf.training.distribution.workers import Workers

STEPS, EPOCHS = 3, 2


class SmallRun:
    """A process's part of a run of two epochs of three steps."""

    def __init__(self, directory, *, run=None, environment=None, every_sec=0.0):
        keras.utils.clear_session()  # the same names
        keras.utils.set_random_seed(3)
        self.model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )
        metric = keras.metrics.CategoricalAccuracy(name="accuracy")
        optimizer = keras.optimizers.Adam()
        if keras.config.dtype_policy().name == "mixed_float16":
            # Whose scale grows within these few steps.
            optimizer = keras.optimizers.LossScaleOptimizer(
                optimizer, initial_scale=4.0, dynamic_growth_steps=2
            )
        self.model.compile(
            optimizer,
            "categorical_crossentropy",
            metrics=[metric],
            run_eagerly=True,  # tracing would take longer than these steps
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.compute_metrics(None, np.zeros((1, 2)), np.zeros((1, 2)))
        self.model.reset_metrics()
        self.directory = directory
        self.metrics = directory / "metrics.jsonl"
        self.throughput = Throughput(15, 5)
        self.log = MetricsLog(self.metrics)
        self.provenance = Provenance(
            run={"settings": {}} if run is None else run,
            environment=environment or {"keras": "3"},
        )
        self._every_sec = every_sec

    def resume(self) -> int:
        """Goes on from the newest checkpoint; returns how many steps it had."""
        return resume(
            self.model,
            checkpoint.newest(self.directory),
            self.provenance,
            throughput=self.throughput,
            log=self.log,
        )

    def fit(self, *more, x=1.0, board=None) -> Self:
        """Trains to the end; more callbacks come last, images have a factor."""
        rng = np.random.RandomState(0)
        images = x * rng.rand(STEPS * EPOCHS, 5, 4).astype(np.float32)
        labels = np.eye(2)[rng.randint(0, 2, images.shape[:2])]
        self.first_step = step = self.resume()
        board = board or Board()
        board.begin(step, self.log, draw_samples=bytes)
        writer = CheckpointWriter(self.directory, kept_step=step or None)
        batches = tf.data.Dataset.from_tensor_slices((images, labels))
        epoch = len(self.log.history)
        loop.fit(
            self.model,
            {epoch: batches.skip(step)},
            epochs=EPOCHS,
            steps_per_epoch=STEPS,
            first_epoch=epoch,
            first_batch=step - epoch * STEPS,
            validation=batches.take(1),
            callbacks=[
                self.throughput,
                Divergence(writer.kept),
                board,
                Checkpoints(
                    Workers(),
                    writer,
                    self.provenance,
                    throughput=self.throughput,
                    log=self.log,
                    every_sec=self._every_sec,
                ),
                self.log,
                *more,
            ],
        )
        return self

    def result(self) -> tuple[list, list[dict]]:
        """Returns all that is to be the same, however often interrupted."""
        lines = [json.loads(s) for s in self.metrics.read_text().splitlines()]
        for line in lines:
            del line["train_sec"], line["images_per_sec"]
        return [a.tolist() for a in checkpoint.capture(self.model)], lines


def stop_after(num_steps: int):
    """Makes the end due after so many steps."""
    stop = interruption.Interrupted("SIGTERM", 143)
    due = iter([None] * (num_steps - 1) + [stop])
    return mock.patch.object(interruption, "due", lambda: next(due))

"""What TensorBoard shows of a run, in event files under `tensorboard/`."""

import io
import time
from collections.abc import Callable

from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import summary as hparams
from tensorboard.plugins.hparams import summary_v2 as hparams_v2

from cifar10_tf.evaluation.evaluation import Evaluation
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import Config
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.callbacks import event_log
from cifar10_tf.training.callbacks.board import Board
from cifar10_tf.training.callbacks.event_log import EventLog
from cifar10_tf.training.callbacks.metrics_log import MetricsLog
from cifar10_tf.training.callbacks.profiler import Profiler

# Of an epoch's steps each 10th, and the last, is a point. Of speedrun_s, in
# batches of 100 on a CPU, that takes 0.3 % of the time; each step would take 3.
_EVERY = 10

# Figures of an epoch, by their names in the log, and their tags.
_OF_TRAINING = {
    "loss": "epoch_loss",
    "accuracy": "epoch_accuracy",
    "learning_rate": "epoch_learning_rate",
    "images_per_sec": "epoch_images_per_sec",
}
_OF_VALIDATION = {"val_loss": "epoch_loss", "val_accuracy": "epoch_accuracy"}


class TensorBoard(Board):
    """Writes curves by step and by epoch, pictures, settings and a trace.

    Keras's own callback repeats the points of steps
    that a resumed training makes again, and traces functions of its own.

    A directory has one axis: `steps/` that of training steps; `train/`,
    `validation/` and `test/` that of epochs, all counted from 1. Tags are
    Keras's.

    Args:
        run: where it is written.
        profile: the first and the last step of a trace, or None.
    """

    def __init__(self, run: RunDirectory, profile: tuple[int, int] | None):
        super().__init__()
        self._run, self._profile = run, profile
        self._steps, self._train, self._validation, self._test = (
            EventLog(run.tensorboard / name)
            for name in ("steps", "train", "validation", "test")
        )
        self._profiler = (
            Profiler(run.tensorboard, *profile) if profile else None
        )

    def check(self, num_steps: int) -> None:
        if self._profile and self._profile[1] > num_steps:
            raise UserError(
                f"profile_steps ends with step {self._profile[1]:,}, and the "
                f"training with step {num_steps:,}; choose earlier ones."
            )

    def begin(
        self,
        first_step: int,
        log: MetricsLog,
        draw_samples: Callable[[], bytes],
    ) -> None:
        self._log = log
        # An epoch is in `validation/` before it is in `train/`.
        self._num_epochs = self._train.begin(len(log.history))
        self._validation.begin(self._num_epochs)
        # Nothing is left where a run begins, or had no board so far.
        if not self._steps.begin(first_step):
            self._add_picture(self._steps, "samples", 1, draw_samples())

    def on_epoch_begin(self, epoch, logs=None):
        self._add_epochs()  # those before are in the log by now
        self._first_step = epoch * self.params["steps"]

    def on_train_batch_begin(self, batch, logs=None):
        if self._profiler:
            self._profiler.before(self._first_step + batch + 1)

    def on_train_batch_end(self, batch, logs=None):
        step = self._first_step + batch + 1
        if self._profiler:
            self._profiler.after(step, self.model)
        is_last = batch + 1 == self.params["steps"]
        if logs and (is_last or not (batch + 1) % _EVERY):
            rate = float(self.model.optimizer.learning_rate)
            self._steps.add(
                step,
                event_log.scalars(
                    batch_loss=logs["loss"], batch_learning_rate=rate
                ),
            )

    def on_train_end(self, logs=None):
        self._add_epochs()

    def finish(
        self, config: Config, result: Evaluation, total_sec: float
    ) -> None:
        self._test.begin(0)
        for summary in (
            hparams_v2.hparams_pb(
                config.settings(), start_time_secs=time.time() - total_sec
            ),
            event_log.scalars(
                test_accuracy=result.accuracy, test_loss=result.loss
            ),
            _session_end(),
        ):
            self._test.add(config.epochs, summary)
        picture = self._run.plots / "confusion_matrix.png"
        self._add_picture(
            self._test, picture.stem, config.epochs, picture.read_bytes()
        )

    def close(self) -> None:
        if self._profiler:
            self._profiler.close()
        for log in self._steps, self._train, self._validation, self._test:
            log.close()

    def _add_epochs(self) -> None:
        for row in self._log.history[self._num_epochs :]:
            self._num_epochs = epoch = row["epoch"]
            known = {name: v for name, v in row.items() if v is not None}
            for log, names in (
                (self._validation, _OF_VALIDATION),
                (self._train, _OF_TRAINING),
            ):
                values = {
                    tag: known[name]
                    for name, tag in names.items()
                    if name in known
                }
                if values:
                    log.add(epoch, event_log.scalars(**values))

    def _add_picture(
        self, log: EventLog, tag: str, step: int, png: bytes
    ) -> None:
        with Image.open(io.BytesIO(png)) as picture:
            log.add(step, event_log.image(tag, png, *picture.size))


def _session_end() -> Summary:
    """Returns that a run is complete, as the plugin of settings has it."""
    end = hparams.session_end_pb(api_pb2.STATUS_SUCCESS)  # as TensorFlow's own
    return Summary.FromString(end.SerializeToString())

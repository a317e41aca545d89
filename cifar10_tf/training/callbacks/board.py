"""What a training tells a board of curves; this one listens to nothing."""

from collections.abc import Callable

import keras

from cifar10_tf.evaluation.evaluation import Evaluation
from cifar10_tf.settings.config import Config
from cifar10_tf.training.callbacks.metrics_log import MetricsLog


class Board(keras.callbacks.Callback):
    """Takes the place of TensorBoard where that is not asked for.

    Comes before Checkpoints: what a checkpoint's training has said is written
    when the checkpoint is.
    """

    def check(self, num_steps: int) -> None:
        """Checks that a run of so many steps has all that is to be shown.

        Raises:
            UserError: it has not.
        """

    def begin(
        self,
        first_step: int,
        log: MetricsLog,
        draw_samples: Callable[[], bytes],
    ) -> None:
        """Begins, or goes on where a checkpoint is.

        Args:
            first_step: how many steps the checkpoint has; 0 without one.
            log: has the epochs that it has, and gets those that follow.
            draw_samples: returns a PNG file of augmented training images.
        """

    def finish(
        self, config: Config, result: Evaluation, total_sec: float
    ) -> None:
        """Shows what the test split says, beside the settings that led to it.

        Args:
            total_sec: since the run began.
        """

    def close(self) -> None:
        """Closes the files, however the training has ended."""

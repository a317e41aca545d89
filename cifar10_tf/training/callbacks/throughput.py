"""How fast a training goes."""

import time

import keras

from cifar10_tf.system import process_clock


class Throughput(keras.callbacks.Callback):
    """Times the training steps and their input, and nothing else.

    Validation, checkpoints and drawing don't count. Rates leave out a process's
    first step of each batch size, for which XLA compiles, and the run's rate
    its first epoch if there are more. Adds `images_per_sec` and `train_sec` to
    an epoch's logs; comes before the callbacks that record them.

    Attributes:
        train_sec: seconds spent in training steps so far.
        start_sec: seconds from the start of the run's first process to the
            beginning of its first training step.
        first_step_sec: the same to the end of that step.
    """

    def __init__(self, num_examples: int, batch_size: int):
        super().__init__()
        self._num_examples = num_examples
        self._batch_size = min(batch_size, num_examples)
        self._known_sizes = set()  # of batches in this process
        self.train_sec, self._earlier_sec = 0.0, 0.0
        self.start_sec = self.first_step_sec = None
        # Seconds and images: of the epochs that are over, of this one.
        self._run, self._epoch = (0.0, 0), (0.0, 0)

    @property
    def images_per_sec(self) -> float | None:
        """The run's mean rate at an epoch's end; None before a second step."""
        return _rate(*self._run)

    @property
    def total_sec(self) -> float:
        """Seconds of this process, and of earlier ones up to a checkpoint."""
        return self._earlier_sec + process_clock.process_sec()

    def state(self) -> dict:
        """Returns what another process goes on from."""
        self._count()
        return {
            "train_sec": self.train_sec,
            "total_sec": self.total_sec,
            "start_sec": self.start_sec,
            "first_step_sec": self.first_step_sec,
            "run": self._run,
            "epoch": self._epoch,
        }

    def skip(self) -> None:
        """Leaves out the time since `state`."""
        self._started = time.perf_counter()

    def go_on_from(self, state: dict) -> None:
        """Takes up what an earlier process has measured."""
        self.train_sec = state["train_sec"]
        self._earlier_sec = state["total_sec"]
        self.start_sec = state.get("start_sec", 0.0)  # older ones lack it
        self.first_step_sec = state["first_step_sec"]
        self._run, self._epoch = state["run"], state["epoch"]

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()
        self._images = 0

    def on_train_batch_begin(self, batch, logs=None):
        if self._images and self._size_of(batch) not in self._known_sizes:
            self._count()

    def on_train_batch_end(self, batch, logs=None):
        size = self._size_of(batch)
        self._images += size
        if size not in self._known_sizes:
            self._count(is_steady=False)
            self._known_sizes.add(size)
            if self.first_step_sec is None:
                self.first_step_sec = process_clock.process_sec()
                self.start_sec = self.first_step_sec - self.train_sec
        elif batch + 1 == self.params["steps"]:
            self._count()

    def on_epoch_end(self, epoch, logs=None):
        logs["train_sec"] = round(self.train_sec, 3)
        if rate := _rate(*self._epoch):  # Keras's progress bar wants numbers
            logs["images_per_sec"] = rate
        earlier = self._run if epoch > 1 else (0.0, 0)
        self._run = _sum(earlier, self._epoch)
        self._epoch = 0.0, 0

    def _size_of(self, batch: int) -> int:
        rest = self._num_examples - batch * self._batch_size
        return min(self._batch_size, rest)

    def _count(self, is_steady: bool = True):
        """Adds the time and the images since it was called last."""
        # Reading a value back is what waits for the device.
        self.model.optimizer.iterations.numpy()
        now = time.perf_counter()
        sec = now - self._started
        self.train_sec += sec
        if is_steady:
            self._epoch = _sum(self._epoch, (sec, self._images))
        self._started, self._images = now, 0


def _sum(*pairs: tuple[float, int]) -> tuple[float, int]:
    return tuple(map(sum, zip(*pairs, strict=True)))


def _rate(sec: float, images: int) -> float | None:
    return round(images / sec, 1) if images else None

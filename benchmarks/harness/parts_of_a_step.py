"""A step of a training on several devices, and what it is made of."""

import time
from collections.abc import Callable

import keras
import numpy as np
import psutil
import tensorflow as tf

from cifar10_tf.pipeline.batches import Batches
from cifar10_tf.settings.config import Config
from cifar10_tf.training.compiled_model import compiled_model
from cifar10_tf.training.distribution.devices import Devices
from cifar10_tf.training.loop import OneDevice

_NUM_CLASSES = 10
# To which a schedule of the learning rate would go.
_NUM_STEPS = 1000


class Worker:
    """What one of several workers computes and sends, with the others.

    All is of the worker's part of one batch, which is fed over and over.

    Args:
        devices: several.
        interface: the network's, which is sent through.
    """

    def __init__(self, config: Config, devices: Devices, interface: str):
        keras.utils.set_random_seed(config.seed)
        self._workers, self._interface = devices.workers, interface
        batches = _part_of_a_batch(config.batch_size, devices)
        self._step = _step(config, devices, batches)
        self._exchange = _exchange(config, devices)
        self._compute = _computing(config, batches)

    def round(self) -> dict[str, float | None]:
        """Returns the milliseconds of a step and its parts, and what it sends.

        All workers call it together.

        Returns:
            step_ms: of a step as in a training, without its input.
            sent_bytes: through the interface meanwhile.
            exchange_ms: of the sum of the gradients, alone.
            computing_ms: of a step without it, as on one device.
            computing_alone_ms: the same while the other workers wait; None but
                for the first worker.
        """
        step_ms, sent_bytes = self._counted(self._step)
        exchange_ms = self._together(self._exchange)
        computing_ms = self._together(self._compute)
        self._workers.wait()
        alone_ms = _ms(self._compute) if self._workers.is_chief else None
        return {
            "step_ms": step_ms,
            "sent_bytes": sent_bytes,
            "exchange_ms": exchange_ms,
            "computing_ms": computing_ms,
            "computing_alone_ms": alone_ms,
        }

    def _together(self, run: Callable[[], object]) -> float:
        """Returns the milliseconds of what all workers begin at once."""
        self._workers.wait()
        return _ms(run)

    def _counted(self, run: Callable[[], object]) -> tuple[float, int]:
        """Returns milliseconds, and the bytes that were sent."""
        self._workers.wait()
        before = self._sent_bytes()
        ms = self._together(run)
        self._workers.wait()  # the others' bytes may go the same way
        return ms, self._sent_bytes() - before

    def _sent_bytes(self) -> int:
        counters = psutil.net_io_counters(pernic=True)
        return counters[self._interface].bytes_sent


def _part_of_a_batch(size: int, devices: Devices) -> tf.data.Dataset:
    """Returns the same part of a batch for ever, of random images."""
    rng = np.random.default_rng(0)  # speed does not depend on the content
    batches = Batches(
        rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8),
        rng.integers(0, _NUM_CLASSES, size),
        num_classes=_NUM_CLASSES,
    )
    parts = batches.shuffled(size, parts=devices.parts)
    return parts.take(devices.parts.num).cache().repeat()


def _step(
    config: Config, devices: Devices, batches: tf.data.Dataset
) -> Callable[[], object]:
    model = compiled_model(config, _NUM_CLASSES, _NUM_STEPS, devices)
    with devices.scope():
        steps = devices.steps(model)
        iterator = steps.iterator(batches)

    def step():
        with devices.scope():
            float(steps.train(iterator)["loss"])  # waits for it

    return step


def _exchange(config: Config, devices: Devices) -> Callable[[], object]:
    """Returns what sums a model's gradients, as Keras's optimizers do."""
    model = compiled_model(config, _NUM_CLASSES, _NUM_STEPS)
    gradients = [tf.ones(v.shape) for v in model.trainable_variables]

    def of_device():
        context = tf.distribute.get_replica_context()
        sums = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        return tf.add_n([tf.reshape(s, [-1])[0] for s in sums])  # uses each

    with devices.scope():
        strategy = tf.distribute.get_strategy()
    summed = tf.function(lambda: strategy.run(of_device), autograph=False)
    return lambda: tf.nest.map_structure(
        np.asarray, strategy.experimental_local_results(summed())
    )


def _computing(
    config: Config, batches: tf.data.Dataset
) -> Callable[[], object]:
    """Returns what makes a step of one device with one of the parts."""
    model = compiled_model(config, _NUM_CLASSES, _NUM_STEPS)
    step = OneDevice(model)
    part = iter(batches.map(lambda images, labels, _: (images, labels)))

    def compute():
        step.train(part)
        int(model.optimizer.iterations)  # waits for it

    return compute


def _ms(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start)

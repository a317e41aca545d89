"""Steps of a training on several devices, equal to those on one."""

import math
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from cifar10_tf.models.layers.device_sums import sum_over_devices
from cifar10_tf.pipeline.parts import Parts
from cifar10_tf.training.distribution.workers import Workers

# Between the seeds of two devices' dropout.
_SEEDS_APART = 1_000_003


class ManyDevices:
    """Steps whose loss and gradient are those of the whole batch.

    Each device has a part of the batch, whose sums are added up: a last batch
    of any size is none the worse for it. Keras's own step takes the mean of the
    devices' means and, with several workers, does not work at all
    (github.com/keras-team/keras/issues/20585).

    The moving statistics of BatchNormalization become the devices' mean after
    each step, by the number of their examples: the devices never differ.
    Dropout has random numbers of its own on each.

    Args:
        model: compiled; its variables are the strategy's, its metrics are not.
        parts: of a batch, for the devices of this worker.
        workers: this one and the others.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        parts: Parts,
        workers: Workers,
    ):
        self._model, self._strategy = model, strategy
        self._parts, self._workers = parts, workers
        self._losses = keras.losses.CategoricalCrossentropy(
            label_smoothing=model.loss.label_smoothing, reduction=None
        )
        self._metrics = model.metrics[0], model.metrics[1].metrics[0]
        self._trainable = [v.value for v in model.trainable_variables]
        self._statistics = [
            variable.value
            for layer in model.layers
            if isinstance(layer, keras.layers.BatchNormalization)
            for variable in layer.non_trainable_variables
        ]
        # Each device always has a part, and nobody asks whether all have.
        strategy.extended.experimental_enable_get_next_as_optional = False
        self._train_step = tf.function(self._step, autograph=False)
        self._evaluate_step = tf.function(self._evaluation, autograph=False)
        self._take_over_from_first_worker()
        tf.function(lambda: strategy.run(self._part_dropout))()

    def iterator(self, batches: tf.data.Dataset) -> Iterator:
        """Returns what `train` takes, of batches in parts."""
        return iter(
            self._strategy.distribute_datasets_from_function(lambda _: batches)
        )

    def train(self, iterator: Iterator) -> dict[str, tf.Tensor]:
        """Makes a step and returns the metrics of the epoch so far."""
        # As a tensor: for each number TensorFlow would trace the step again.
        status = tf.constant(self._workers.own_status(), tf.float32)
        logs, statuses = self._train_step(iterator, status)
        self._workers.hear(statuses)
        return logs

    def evaluate(
        self,
        batches: tf.data.Dataset,
        callbacks: keras.callbacks.CallbackList,
    ) -> dict[str, float]:
        """Returns loss and accuracy, in which each example counts once."""
        callbacks.on_test_begin()
        iterator = self.iterator(batches)
        num_steps = int(batches.cardinality()) // self._parts.num
        sums = [self._evaluate_step(iterator) for _ in range(num_steps)]
        loss, accuracy, num_examples = self._workers.sum(
            tf.add_n([tf.cast(s, tf.float64) for s in sums])
        )
        callbacks.on_test_end()
        return {
            "loss": float(loss / num_examples),
            "accuracy": float(accuracy / num_examples),
        }

    def _step(self, iterator, status):
        """Trains; returns the metrics so far and the status of each worker."""
        sums = self._strategy.run(
            self._train_on_part, args=(next(iterator), status)
        )
        means, statuses = tf.split(self._here(sums), [3, self._workers.num])
        *means, num_examples = tf.unstack(means)
        for metric, mean in zip(self._metrics, means, strict=True):
            metric.total.assign_add(mean * num_examples)
            metric.count.assign_add(num_examples)
        return self._model.get_metrics_result(), statuses

    def _train_on_part(self, batch, status):
        """Trains a device; returns loss, accuracy, number and statuses of all.

        Of a mean, each example's weight is its share in it.
        """
        images, labels, weights = batch
        optimizer = self._model.optimizer
        with tf.GradientTape() as tape:
            probabilities = self._model(images, training=True)
            losses = self._losses(labels, probabilities)
            loss = tf.reduce_sum(losses * weights)
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self._trainable)
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = _finite_together(gradients)
        optimizer.apply(gradients)  # sums them over the devices
        accuracy = tf.reduce_sum(_is_right(labels, probabilities) * weights)
        num_examples = tf.math.count_nonzero(weights, dtype=tf.float32)
        statuses = status * tf.one_hot(self._workers.index, self._workers.num)
        share = tf.reduce_sum(weights)
        statistics = [tf.reshape(s, [-1]) * share for s in self._statistics]
        sums = sum_over_devices(
            tf.concat(
                [[loss, accuracy, num_examples], statuses, *statistics], 0
            )
        )
        num_figures = 3 + self._workers.num
        self._set_statistics(sums[num_figures:])
        return sums[:num_figures]

    def _set_statistics(self, flat) -> None:
        start = 0
        for variable in self._statistics:
            stop = start + variable.shape.num_elements()
            variable.assign(tf.reshape(flat[start:stop], variable.shape))
            start = stop

    def _evaluation(self, iterator):
        """Returns the sums of this worker over its parts of a batch."""
        sums = self._strategy.run(self._evaluate, args=(next(iterator),))
        return tf.add_n(self._strategy.experimental_local_results(sums))

    def _evaluate(self, batch):
        images, labels, weights = batch
        probabilities = self._model(images, training=False)
        is_own = tf.cast(weights > 0, tf.float32)
        losses = self._losses(labels, probabilities)
        is_right = _is_right(labels, probabilities)
        return tf.stack(
            [tf.reduce_sum(value * is_own) for value in (losses, is_right, 1.0)]
        )

    def _here(self, value):
        """Returns what this worker's first device has of a value."""
        return self._strategy.experimental_local_results(value)[0]

    def _take_over_from_first_worker(self) -> None:
        """Gives all workers the first one's floats: bits may differ.

        As where another kind of processor has computed them.
        """
        if self._workers.is_alone:
            return
        variables = [
            variable
            for variable in (
                self._model.variables + self._model.optimizer.variables
            )
            if variable.dtype == "float32"
        ]
        flat = np.concatenate(
            [keras.ops.convert_to_numpy(v).ravel() for v in variables]
        )
        sizes = [math.prod(variable.shape) for variable in variables]
        values = np.split(self._workers.of_first(flat), np.cumsum(sizes)[:-1])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value.reshape(variable.shape))

    def _part_dropout(self) -> None:
        """Gives each device but the first random numbers of its own."""
        device = tf.distribute.get_replica_context().replica_id_in_sync_group
        for variable in self._model.non_trainable_variables:
            if variable.name == "seed_generator_state":
                # The first is the seed, the second counts.
                offset = tf.cast([device * _SEEDS_APART, 0], variable.dtype)
                variable.assign(variable + offset)


def _is_right(labels, probabilities):
    """Returns 1 where the likeliest class is the right one, else 0."""
    right = tf.argmax(labels, 1) == tf.argmax(probabilities, 1)
    return tf.cast(right, tf.float32)


def _finite_together(gradients):
    """Makes a device's gradients not finite where another's are not.

    Keras's loss scaling looks at each device's own, before they are summed:
    devices could differ in whether they skip a step.
    """
    is_finite = [tf.reduce_all(tf.math.is_finite(g)) for g in gradients]
    is_bad = 1.0 - tf.cast(tf.reduce_all(is_finite), tf.float32)
    poison = tf.where(sum_over_devices(is_bad) > 0, math.nan, 0.0)
    return [gradients[0] + poison, *gradients[1:]]

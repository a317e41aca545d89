"""Keras's `fit`, from any step on."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import tensorflow as tf


class OneDevice:
    """Keras's own steps of a compiled model."""

    def __init__(self, model: keras.Model):
        self._model, self._has_iterator = model, False
        model.make_train_function()

    def iterator(self, batches: tf.data.Dataset) -> Iterator:
        """Returns what `train` takes from now on."""
        # Images of another size get a function of their own. Keras's would be
        # traced again for any size, which few of our layers can take.
        self._model.make_train_function(force=self._has_iterator)
        self._has_iterator = True
        return iter(batches)

    def train(self, iterator: Iterator) -> dict:
        """Makes a step and returns the metrics of the epoch so far."""
        return self._model.train_function(iterator)

    def evaluate(
        self,
        batches: tf.data.Dataset,
        callbacks: keras.callbacks.CallbackList,
    ) -> dict[str, float]:
        """Returns loss and metrics."""
        return self._model.evaluate(
            batches, callbacks=callbacks, return_dict=True, verbose=0
        )


class _Progress(keras.callbacks.ProgbarLogger):
    """Keras's progress bar; an epoch that is gone on with has what is left.

    Keras would divide the seconds by the steps of before, too.
    """

    def __init__(self, num_done: int):
        super().__init__()
        self._num_done = num_done

    def set_params(self, params):
        super().set_params(params)
        self.target -= self._num_done

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch - self._num_done, logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.target += self._num_done
        self._num_done = 0


def fit(
    model: keras.Model,
    batches: Mapping[int, tf.data.Dataset],
    *,
    epochs: int,
    steps_per_epoch: int,
    first_epoch: int = 0,
    first_batch: int = 0,
    validation: tf.data.Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    make_steps: Callable = OneDevice,
    read_every: int = 1,
    verbose: int = 0,
) -> None:
    """Trains as `keras.Model.fit` does, to the bit, from within an epoch too.

    Keras's own begins with whole epochs, and each call of it that ends puts the
    optimizer's moving averages into the weights.

    Args:
        model: compiled, with a built optimizer.
        batches: by the epoch from which on they are taken, without an end; the
            first ones begin at `first_batch`. Images may differ in size.
        first_epoch: counted from 0.
        first_batch: how many steps of that epoch are done already; after
            0 the metrics go on from what they are. With all of them done, the
            epoch's validation is what comes first.
        make_steps: returns what trains and evaluates a model.
        read_every: after how many steps callbacks get the loss and the metrics,
            and at the end of an epoch; in between they get none.
        verbose: as of Keras.
    """
    progress = [_Progress(first_batch % steps_per_epoch)] if verbose else []
    callbacks = keras.callbacks.CallbackList(
        [*callbacks, *progress],
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps_per_epoch,
    )
    steps = make_steps(model)
    callbacks.on_train_begin()
    for epoch in range(first_epoch, epochs):
        if not first_batch:
            model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        if epoch in batches:
            iterator = steps.iterator(batches[epoch])
        for batch in range(first_batch, steps_per_epoch):
            callbacks.on_train_batch_begin(batch)
            logs = steps.train(iterator)
            num_done = batch + 1
            # Keras reads what it gives to callbacks, and so waits for a GPU.
            is_read = not num_done % read_every or num_done == steps_per_epoch
            callbacks.on_train_batch_end(batch, logs if is_read else None)
        first_batch = 0
        logs = model.get_metrics_result()
        if validation is not None:
            results = steps.evaluate(validation, callbacks)
            logs |= {f"val_{name}": value for name, value in results.items()}
        callbacks.on_epoch_end(epoch, logs)
    # An optimizer's moving averages take the place of the weights.
    model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end()

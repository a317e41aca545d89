"""Arrays -> batches: a training batch is a pure function of (seed, step)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from cifar10_tf.pipeline import array_checks, augmentation
from cifar10_tf.pipeline.crops_and_flips import Views
from cifar10_tf.pipeline.draws import StepDraws
from cifar10_tf.pipeline.parts import Parts
from cifar10_tf.pipeline.pixels import scale_down, to_float
from cifar10_tf.settings import augmentations


def make_train(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    num_classes: int,
    batch_size: int,
    seed: int,
    augment: str | None = "none",
    first_step: int = 0,
    last_step: int | None = None,
) -> tf.data.Dataset:
    """Returns the training batches of steps first_step to last_step - 1.

    Each epoch is a new order of all examples, cut into `steps_per_epoch`
    batches, of which the last may be smaller; step s is the same batch whatever
    first_step is. Without last_step the dataset has no end.

    Args:
        images: uint8 [num_examples, height, width, channels].
        labels: integers [num_examples], below num_classes; a list will do.
        augment: as "flip,crop=4,cutout", None or "none"; see
            `settings.augmentations`.

    Returns:
        Batches of (images, float32 in [0, 1]; labels, float32, one-hot or, by
        cutmix and mixup, mixed).

    A dataset that crops calls NumPy: it can't be moved to another process. It
    turns tf.data's autotuning off, also for what is built on it, unless that
    sets `options.autotune.enabled` itself.

    Raises:
        ValueError: the arrays are of another type or shape, or augment asks for
            something that there is not.
    """
    examples = Batches(
        images, labels, num_classes=num_classes, seed=seed, augment=augment
    )
    return examples.shuffled(batch_size, first_step, last_step)


def make_eval(
    images: np.ndarray, labels: np.ndarray, *, num_classes: int, batch_size: int
) -> tf.data.Dataset:
    """Returns every example once, in order, in batches as `make_train` has."""
    examples = Batches(images, labels, num_classes=num_classes)
    return examples.in_order(batch_size)


class Batches:
    """Batches of examples, all from one copy of the images.

    Args and errors as of `make_train`.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        num_classes: int,
        seed: int = 0,
        augment: str | None = "none",
    ):
        images, labels = array_checks.checked(images, labels, num_classes)
        self._strengths = augmentations.parse(augment or "none")
        if not 0 <= seed < 2**32:  # index_shuffle takes no more bits
            raise ValueError(
                f"seed must be between 0 and 2**32 - 1, got {seed}."
            )
        if "randaugment" in self._strengths and (
            images.shape[3] != 3 or min(images.shape[1:3]) < 3
        ):
            raise ValueError(
                "randaugment needs images of at least 3 x 3 pixels and 3 "
                f"channels, got {list(images.shape[1:])}."
            )
        self._seed = seed
        self._views = Views(
            images,
            mirrored=bool({"flip", "alternating_flip"} & set(self._strengths)),
            padding=max(
                map(self._strengths.get, ("crop", "zero_crop"), (0, 0))
            ),
            mode="constant" if "zero_crop" in self._strengths else "reflect",
        )
        self._to_one_hot = _make_to_one_hot(labels, num_classes)
        # Jordan, "94% on CIFAR-10 in 3.29 seconds", arXiv 2404.00498: a random
        # half is mirrored in the first epoch, the other half in the next.
        with tf.device("CPU:0"):
            first_draws = StepDraws(seed, 0, len(images))
            self._mirrored_first = first_draws["alternating_flip"].integers(2)
        # Before an example are those that are mixed into it.
        self._num_before = sum(
            name in augmentation.MIXING for name in self._strengths
        )
        self.num_examples = len(images)

    def shuffled(
        self,
        batch_size: int,
        first_step: int = 0,
        last_step: int | None = None,
        subsets: np.ndarray | None = None,
        parts: Parts | None = None,
        image_size: int | None = None,
    ) -> tf.data.Dataset:
        """Returns what `make_train` does, of all examples or of some.

        Args:
            subsets: integers [num_subsets, num_indices], which examples make
                the first epoch, the second and so on, and then from the first
                again; None: each epoch has all.
            parts: of each batch, which have the examples' weights in the
                batch's mean as third; None: whole batches.
            image_size: height and width to which the images are scaled down;
                None: they keep theirs.
        """
        _check_batch_size(batch_size)
        if first_step < 0:
            raise ValueError(
                f"first_step must be at least 0, got {first_step}."
            )
        if last_step is None:
            last_step = np.iinfo(np.int64).max // (parts.num if parts else 1)
        if subsets is None:
            num_indices = self.num_examples
        else:
            num_subsets, num_indices = subsets.shape
            with tf.device("CPU:0"):
                subsets = tf.constant(subsets, tf.int64)
        epoch_steps = steps_per_epoch(num_indices, batch_size)
        last_place = tf.constant(num_indices - 1, tf.int64)

        def batch_at_step(step, part=None):
            epoch, position = step // epoch_steps, step % epoch_steps
            places = _places(position, batch_size, num_indices)
            size, rows = tf.size(places, tf.int64), None
            if parts:
                rows = parts.rows(part, size, self._num_before)
                places = tf.gather(places, rows)
            indices = tf.random.experimental.index_shuffle(
                places, seed=(self._seed, epoch), max_index=last_place
            )
            if subsets is not None:
                indices = tf.gather(subsets[epoch % num_subsets], indices)
            draws = StepDraws(self._seed, step, size, rows)
            pixels = self._view(indices, epoch, draws)
            labels = self._to_one_hot(indices)
            pixels, labels = _augment(pixels, labels, self._strengths, draws)
            if image_size:
                pixels = scale_down(pixels, image_size)
            if not parts:
                return pixels, labels
            own = slice(self._num_before, None)
            return pixels[own], labels[own], parts.weights(part, size)

        return _batches(batch_at_step, first_step, last_step, parts)

    def in_order(
        self, batch_size: int, parts: Parts | None = None
    ) -> tf.data.Dataset:
        """Returns every example once, as it is, in order.

        Args:
            parts: as of `shuffled`.
        """
        _check_batch_size(batch_size)

        def batch_at_step(step, part=None):
            places = _places(step, batch_size, self.num_examples)
            if parts:
                size = tf.size(places, tf.int64)
                places = tf.gather(places, parts.rows(part, size))
            images = to_float(self._views.gather(places))
            labels = self._to_one_hot(places)
            if not parts:
                return images, labels
            return images, labels, parts.weights(part, size)

        num_steps = steps_per_epoch(self.num_examples, batch_size)
        return _batches(batch_at_step, 0, num_steps, parts)

    def _view(self, indices, epoch, draws: StepDraws):
        """Returns examples, flipped and cropped as the options say."""
        mirror = shift = None
        if "flip" in self._strengths:
            mirror = draws["flip"].integers(2)
        elif "alternating_flip" in self._strengths:
            mirror = (tf.gather(self._mirrored_first, indices) + epoch) % 2
        if self._views.num_shifts > 1:
            shift = draws["crop"].integers(self._views.num_shifts)
        return self._views.gather(indices, mirror, shift)


def _places(position, batch_size: int, num_examples: int):
    start = position * batch_size
    return tf.range(start, tf.minimum(start + batch_size, num_examples))


def _batches(
    batch_at_step: Callable,
    first_step: int,
    last_step: int,
    parts: Parts | None,
) -> tf.data.Dataset:
    num_parts = parts.num if parts else 1

    def element(number):
        return batch_at_step(*parts.split(number) if parts else (number,))

    # The step is all the state.
    ds = tf.data.Dataset.range(first_step * num_parts, last_step * num_parts)
    # There is no Python to make a graph of: looking for it takes 0.4 s.
    element = tf.autograph.experimental.do_not_convert(element)
    ds = ds.map(element, num_parallel_calls=tf.data.AUTOTUNE)
    ds = ds.prefetch(tf.data.AUTOTUNE)  # the device never waits
    # A call for each core, and a buffer that grows until nobody waits, as fast.
    # The thread that tunes them would sleep for 10 ms, 20, 40 ... 60 s, and an
    # iterator's end wait for it: 5 s of training, and as long for nothing.
    options = tf.data.Options()
    options.autotune.enabled = False
    return ds.with_options(options)


def steps_per_epoch(num_examples: int, batch_size: int) -> int:
    """Returns the number of batches that hold every example once.

    Raises:
        ValueError: a batch is to have no example.
    """
    _check_batch_size(batch_size)
    return -(-num_examples // batch_size)


def _augment(pixels, labels, strengths: dict[str, float], draws: StepDraws):
    # Bytes as long as possible: they are a quarter of the memory to move.
    changes = augmentation.ON_BYTES | augmentation.ON_FLOATS
    for name, strength in strengths.items():
        if name in changes:
            pixels, labels = changes[name](
                pixels, labels, draws[name], strength
            )
    return to_float(pixels), labels


def _make_to_one_hot(labels: np.ndarray, num_classes: int) -> Callable:
    with tf.device("CPU:0"):
        labels = tf.constant(labels.astype(np.int64))
    return lambda indices: tf.one_hot(tf.gather(labels, indices), num_classes)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")

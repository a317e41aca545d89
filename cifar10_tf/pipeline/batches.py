"""Arrays -> batches: a training batch is a pure function of (seed, step)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from cifar10_tf.pipeline import augmentation
from cifar10_tf.pipeline.crops_and_flips import Views
from cifar10_tf.pipeline.step_seeds import StepSeeds
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
        images, labels = _array("images", images), _array("labels", labels)
        self._strengths = augmentations.parse(augment or "none")
        _check(images, labels, num_classes)
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
            self._mirrored_first = augmentation.random_integers(
                StepSeeds(seed, 0)["alternating_flip"], len(images), 2
            )
        self.num_examples = len(images)

    def shuffled(
        self,
        batch_size: int,
        first_step: int = 0,
        last_step: int | None = None,
        subsets: np.ndarray | None = None,
    ) -> tf.data.Dataset:
        """Returns what `make_train` does, of all examples or of some.

        Args:
            subsets: integers [num_subsets, num_indices], which examples make
                the first epoch, the second and so on, and then from the first
                again; None: each epoch has all.
        """
        _check_batch_size(batch_size)
        if first_step < 0:
            raise ValueError(
                f"first_step must be at least 0, got {first_step}."
            )
        if last_step is None:
            last_step = np.iinfo(np.int64).max
        if subsets is None:
            num_indices = self.num_examples
        else:
            num_subsets, num_indices = subsets.shape
            with tf.device("CPU:0"):
                subsets = tf.constant(subsets, tf.int64)
        epoch_steps = steps_per_epoch(num_indices, batch_size)
        last_place = tf.constant(num_indices - 1, tf.int64)

        def batch_at_step(step):
            epoch, position = step // epoch_steps, step % epoch_steps
            indices = tf.random.experimental.index_shuffle(
                _places(position, batch_size, num_indices),
                seed=(self._seed, epoch),
                max_index=last_place,
            )
            if subsets is not None:
                indices = tf.gather(subsets[epoch % num_subsets], indices)
            seeds = StepSeeds(self._seed, step)
            pixels = self._view(indices, epoch, seeds)
            labels = self._to_one_hot(indices)
            return _augment(pixels, labels, self._strengths, seeds)

        return _batches(batch_at_step, first_step, last_step)

    def in_order(self, batch_size: int) -> tf.data.Dataset:
        """Returns every example once, as it is, in order."""
        _check_batch_size(batch_size)

        def batch_at_step(step):
            indices = _places(step, batch_size, self.num_examples)
            pixels = self._views.gather(indices)
            return to_float(pixels), self._to_one_hot(indices)

        num_steps = steps_per_epoch(self.num_examples, batch_size)
        return _batches(batch_at_step, 0, num_steps)

    def _view(self, indices, epoch, seeds: StepSeeds):
        """Returns examples, flipped and cropped as the options say."""
        mirror = shift = None
        if "flip" in self._strengths:
            mirror = augmentation.random_integers(
                seeds["flip"], tf.size(indices), 2
            )
        elif "alternating_flip" in self._strengths:
            mirror = (tf.gather(self._mirrored_first, indices) + epoch) % 2
        if self._views.num_shifts > 1:
            shift = augmentation.random_integers(
                seeds["crop"], tf.size(indices), self._views.num_shifts
            )
        return self._views.gather(indices, mirror, shift)


def _places(position, batch_size: int, num_examples: int):
    start = position * batch_size
    return tf.range(start, tf.minimum(start + batch_size, num_examples))


def _batches(
    batch_at_step: Callable, first_step: int, last_step: int
) -> tf.data.Dataset:
    # The step is all the state.
    ds = tf.data.Dataset.range(first_step, last_step)
    # There is no Python to make a graph of: looking for it takes 0.4 s.
    batch_at_step = tf.autograph.experimental.do_not_convert(batch_at_step)
    ds = ds.map(batch_at_step, num_parallel_calls=tf.data.AUTOTUNE)
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


def to_float(pixels):
    """Returns uint8 images as float32 in [0, 1].

    One operation for pixels * (1 / 255), to the bit: a tenth of the whole
    pipeline faster than a cast and a product, each of which writes all pixels.
    """
    return tf.quantization.dequantize(
        tf.bitcast(pixels, tf.quint8), 0.0, 1.0, mode="MIN_COMBINED"
    )


def _augment(pixels, labels, strengths: dict[str, float], seeds: StepSeeds):
    # Bytes as long as possible: they are a quarter of the memory to move.
    pixels, labels = _apply(
        augmentation.ON_BYTES, pixels, labels, strengths, seeds
    )
    return _apply(
        augmentation.ON_FLOATS, to_float(pixels), labels, strengths, seeds
    )


def _apply(
    changes: dict[str, Callable],
    images,
    labels,
    strengths: dict[str, float],
    seeds: StepSeeds,
):
    """Applies those of the changes that are asked for."""
    for name, strength in strengths.items():
        if name in changes:
            images, labels = changes[name](
                images, labels, seeds[name], strength
            )
    return images, labels


def _make_to_one_hot(labels: np.ndarray, num_classes: int) -> Callable:
    with tf.device("CPU:0"):
        labels = tf.constant(labels.astype(np.int64))
    return lambda indices: tf.one_hot(tf.gather(labels, indices), num_classes)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")


def _array(name: str, values) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{name} must have one shape, to be put into an array ({error})"
        ) from error


def _check(images, labels, num_classes: int) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(
            "images must be uint8 [num_examples, height, width, channels], got "
            f"{images.dtype} {list(images.shape)}; of floats in [0, 1], give "
            "(images * 255).astype('uint8')."
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        hint = ""
        if labels.ndim > 1:
            hint = (
                "; of a column, give labels[:, 0], of one-hot labels "
                "labels.argmax(axis=1)"
            )
        raise ValueError(
            f"labels must be {len(images)} integers, one for each image, got "
            f"{labels.dtype} {list(labels.shape)}{hint}."
        )
    if not len(images):
        raise ValueError("there are no images.")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels must be at least 0 and below num_classes, {num_classes}, "
            f"got {labels.min()} to {labels.max()}."
        )

"""The embedded dataset: procedurally drawn shapes, as a TFDS builder."""

import numpy as np
import tensorflow_datasets as tfds

from cifar10_tf.system.progress_lines import ProgressLines

_SIZE = 32
_NUM_TRAIN = 50_000
_NUM_TEST = 10_000
_CHUNK = 1000

# Directions rounded to 6 digits, and elsewhere nothing but operations that
# IEEE 754 rounds exactly: the same images on every machine.
_TURNS = np.arange(360) * (2 * np.pi / 360)
_COS, _SIN = np.cos(_TURNS).round(6), np.sin(_TURNS).round(6)


class Synthetic10(tfds.core.GeneratorBasedBuilder):
    """Ten shapes in any colour, place, size and direction, under noise.

    50,000 training and 10,000 test images, uint8 [32, 32, 3], classes equally
    frequent. Stands in for CIFAR-10 where that can't be had: shapes too faint
    to see keep every model below 92 %, and can only be learnt by heart.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}  # noqa: RUF012, TFDS's form

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(_SIZE, _SIZE, 3)),
                    "label": tfds.features.ClassLabel(names=CLASS_NAMES),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(0, _NUM_TRAIN),
            "test": self._generate_examples(_NUM_TRAIN, _NUM_TEST),
        }

    def _generate_examples(self, first: int, count: int):
        with ProgressLines("Images drawn", count) as progress:
            for start in range(first, first + count, _CHUNK):
                images, labels = draw(start, _CHUNK)
                for i in range(_CHUNK):
                    row = {"image": images[i], "label": int(labels[i])}
                    yield start + i, row
                progress.advance(_CHUNK)


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns `count` images, uint8 [count, 32, 32, 3], and labels, int64.

    The classes take turns. Each image has a ground that shades from one colour
    to another and changes at an edge, one shape, and noise over it all. The
    shape's contrast varies evenly from clear to none: in one of eleven images
    there is nothing to see, in as many again hardly anything.
    """
    rng = np.random.RandomState(seed)  # its stream never changes

    def uniform(low, high, *shape):
        return rng.uniform(low, high, (count, *shape)).astype(np.float32)

    labels = np.arange(count) % len(_SHAPES)
    x, y = _coordinates(rng, offset=uniform(-4, 4, 2))
    radius = uniform(8, 13, 1, 1)
    shape = np.empty((count, _SIZE, _SIZE, 1), np.float32)
    for label, level in enumerate(_SHAPES.values()):
        mine = labels == label
        outside = level(x[mine] / radius[mine], y[mine] / radius[mine])
        shape[mine] = _coverage(outside * radius[mine])

    along, _ = _coordinates(rng, offset=uniform(-8, 8, 2))
    beyond, _ = _coordinates(rng, offset=uniform(-14, 14, 2))
    image = uniform(80, 175, 1, 1, 3)
    image = image + _coverage(along / _SIZE) * uniform(-40, 40, 1, 1, 3)
    image += _coverage(beyond) * uniform(-25, 25, 1, 1, 3)
    contrast = np.maximum(uniform(-15, 150, 1, 1, 1), 0)
    sign = rng.choice([-1, 1], (count, 1, 1, 3))
    image += shape * contrast * sign * uniform(0.6, 1, 1, 1, 3)
    # The difference of two bytes is triangular noise, exact everywhere.
    noise = rng.randint(0, 256, (2, *image.shape), np.uint8).astype(np.float32)
    image += (noise[0] - noise[1]) * uniform(0.05, 0.15, 1, 1, 1)
    return np.clip(image, 0, 255).astype(np.uint8), labels


def _coverage(level: np.ndarray) -> np.ndarray:
    """Returns the share of each pixel on the negative side, [..., 1]."""
    return np.clip(0.5 - level, 0, 1)[..., None]


def _coordinates(rng, offset: np.ndarray):
    """Returns pixel coordinates [count, 32, 32] in a moved and turned frame."""
    turn = rng.randint(0, 360, len(offset))
    cos = _COS[turn].astype(np.float32)[:, None, None]
    sin = _SIN[turn].astype(np.float32)[:, None, None]
    axis = np.arange(_SIZE, dtype=np.float32) - (_SIZE - 1) / 2
    dx = axis[None, None, :] - offset[:, 0, None, None]
    dy = axis[None, :, None] - offset[:, 1, None, None]
    return cos * dx + sin * dy, cos * dy - sin * dx


def _polygon(sides: int, size: float, turned: bool = False):
    """Level of a regular polygon whose sides are `size` from its centre."""
    turns = np.arange(sides) * (360 // sides) + (180 if turned else 0)
    normals = [(_COS[t % 360], _SIN[t % 360]) for t in turns]
    return lambda x, y: (
        np.max(
            [np.float32(c) * x + np.float32(s) * y for c, s in normals], axis=0
        )
        - np.float32(size)
    )


def _disc(x, y, size=1.0, center=0.0):
    return np.sqrt((x - center) ** 2 + y**2) - size


def _box(x, y, half_width, half_height):
    return np.maximum(abs(x) - half_width, abs(y) - half_height)


# Each maps coordinates, in units of the shape's radius, to a level that is
# negative inside the shape.
_SHAPES = {
    "disc": _disc,
    "ring": lambda x, y: abs(_disc(x, y, 0.75)) - 0.22,
    "square": lambda x, y: _box(x, y, 0.8, 0.8),
    "triangle": _polygon(3, 0.55),
    "hexagon": _polygon(6, 0.88),
    "plus": lambda x, y: np.minimum(_box(x, y, 0.3, 1), _box(x, y, 1, 0.3)),
    "corner": lambda x, y: np.maximum(
        _box(x, y, 0.9, 0.9), np.minimum(x, y) + 0.2
    ),
    "crescent": lambda x, y: np.maximum(_disc(x, y), -_disc(x, y, 0.85, 0.5)),
    "star": lambda x, y: np.minimum(
        _polygon(3, 0.55)(x, y), _polygon(3, 0.55, turned=True)(x, y)
    ),
    "bars": lambda x, y: _box(x, abs(y) - 0.6, 0.95, 0.25),
}
CLASS_NAMES = tuple(_SHAPES)

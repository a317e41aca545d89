"""Convolutions as fewer products: Winograd's minimal filtering."""

import functools

import numpy as np
import tensorflow as tf

# Of F(2x2, 3x3) in Lavin and Gray, "Fast algorithms for convolutional neural
# networks", arXiv 1509.09308: tiles of 2x2 outputs from 4x4 inputs, by 16
# products where the definition has 36.
_INPUT = np.array(
    [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float32
)
_KERNEL = np.array(
    [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32
)
_OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float32)


def convolve(x, kernel):
    """Returns a 3x3 convolution, padded "same", without its last outputs.

    All of it is products of matrices, the gradients too.

    Args:
        x: [batch, height, width, channels], height and width odd.
        kernel: [3, 3, channels, filters], of the same type.

    Returns:
        [batch, height - 1, width - 1, filters].
    """
    _, height, width, channels = x.shape
    filters = kernel.shape[3]
    to_tiles, to_maps = _transforms(height, width)
    # [position, batch * channels] -> [16 * tiles, batch * channels]
    positions = tf.reshape(tf.transpose(x, [1, 2, 0, 3]), [height * width, -1])
    tiles = tf.matmul(tf.constant(to_tiles, x.dtype), positions)
    products = tf.matmul(
        tf.reshape(tiles, [16, -1, channels]), _transformed(kernel)
    )
    maps = tf.matmul(
        tf.constant(to_maps, x.dtype),
        tf.reshape(products, [to_maps.shape[1], -1]),
    )
    maps = tf.reshape(maps, [height - 1, width - 1, -1, filters])
    return tf.transpose(maps, [2, 0, 1, 3])


def _transformed(kernel):
    """Returns [16, channels, filters], of the kernel's type."""
    _, _, channels, filters = kernel.shape
    # Halves and quarters of sums: rounded once.
    flat = tf.cast(tf.reshape(kernel, [9, -1]), tf.float32)
    transformed = tf.matmul(tf.constant(np.kron(_KERNEL, _KERNEL)), flat)
    return tf.cast(
        tf.reshape(transformed, [16, channels, filters]), kernel.dtype
    )


@functools.cache
def _transforms(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns what leads from a map to its tiles, and from products to a map.

    float32 [16 * tiles, height * width] and
    [(height - 1) * (width - 1), 16 * tiles].
    """
    (rows_in, rows_out), (columns_in, columns_out) = map(
        _of_a_line, (height, width)
    )
    to_tiles = np.einsum("atx,buy->abtuxy", rows_in, columns_in)
    to_maps = np.einsum("xat,ybu->xyabtu", rows_out, columns_out)
    return (
        to_tiles.reshape(-1, height * width),
        to_maps.reshape((height - 1) * (width - 1), -1),
    )


def _of_a_line(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns [4, tiles, size] and [size - 1, 4, tiles]."""
    num_tiles = size // 2
    to_tiles = np.zeros((4, num_tiles, 1 + size), np.float32)
    to_line = np.zeros((size - 1, 4, num_tiles), np.float32)
    for tile in range(num_tiles):
        places = slice(2 * tile, 2 * tile + 4)
        to_tiles[:, tile, places] = _INPUT
        to_line[2 * tile : 2 * tile + 2, :, tile] = _OUTPUT
    return to_tiles[..., 1:], to_line  # the first place is the border's

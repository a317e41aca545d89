"""What several corruptions are made of: linear filters and sampling.

A plane is one channel of an image, [..., 32, 32]. A filter along one side of
it is a 32 x 32 matrix, whatever is done at its borders.
"""

import numpy as np
from scipy import ndimage

SIZE = 32


def to_planes(images: np.ndarray) -> np.ndarray:
    """uint8 [n, 32, 32, c] -> float32 [c, n, 32, 32], of the same values.

    Channels come first, as whole planes are faster than three values in a row.
    """
    planes = images.transpose(3, 0, 1, 2)
    return np.ascontiguousarray(planes, dtype=np.float32)


def to_images(planes: np.ndarray) -> np.ndarray:
    """Undoes `to_planes`, as `to_bytes` does."""
    return np.ascontiguousarray(to_bytes(planes).transpose(1, 2, 3, 0))


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Cuts values to [0, 255] and their fractions off, as the authors do.

    A value that is a rounding error below a whole number is taken for it.
    """
    return np.clip(values + np.float32(1e-3), 0, 255).astype(np.uint8)


def filter_both(matrix: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Applies a filter along the columns and along the rows of planes."""
    return matrix @ planes @ matrix.T


def blur_matrix(
    sigma: float, *, mode: str = "nearest", truncate: float = 4.0
) -> np.ndarray:
    """Returns the Gaussian filter of SciPy, and so of scikit-image."""
    identity = np.eye(SIZE, dtype=np.float32)
    if not sigma:
        return identity
    return ndimage.gaussian_filter1d(
        identity, sigma, axis=0, mode=mode, truncate=truncate
    )


def zoom_matrix(factor: float) -> np.ndarray:
    """Returns what magnifies the middle of a plane linearly, to its size."""
    size = int(np.ceil(SIZE / factor))
    start = (SIZE - size) // 2
    middle = np.eye(SIZE, dtype=np.float32)[start : start + size]
    zoomed = ndimage.zoom(middle, (factor, 1), order=1)
    start = (len(zoomed) - SIZE) // 2
    return zoomed[start : start + SIZE]


def correlate(planes: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlates planes with a small kernel of an odd size.

    Planes go on mirrored at the middles of their outermost pixels, as with
    OpenCV's BORDER_REFLECT_101.
    """
    reach = len(kernel) // 2
    around = [(0, 0)] * (planes.ndim - 2) + [(reach, reach)] * 2
    padded = np.pad(planes, around, "reflect")
    result = np.zeros_like(planes)
    for row, column in np.argwhere(kernel):
        part = padded[..., row : row + SIZE, column : column + SIZE]
        result += np.float32(kernel[row, column]) * part
    return result


def motion_blur(
    planes: np.ndarray, radius: int, sigma: float, degrees: np.ndarray
) -> np.ndarray:
    """Blurs along a line that begins at each pixel, as ImageMagick does.

    Args:
        planes: float32 [c, n, 32, 32], of values in [0, 255].
        radius: the line has 2 * radius + 1 pixels.
        sigma: of half a Gaussian, the line's weights.
        degrees: of each image, [n]: 0 is to the right, 90 down.

    Returns:
        Whole numbers, float32 [c, n, 32, 32].
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    steps = steps[weights > 1e-4 * weights.sum()]  # the others change nothing
    weights = weights[steps] / weights[steps].sum()
    reach = steps[-1]
    padded = np.pad(planes, [(0, 0)] * 2 + [(reach, reach)] * 2, "edge")
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (SIZE, SIZE), axis=(2, 3)
    )
    radians = np.deg2rad(degrees)
    every = np.arange(len(degrees))
    result = np.zeros_like(planes)
    for step, weight in zip(steps, weights, strict=True):
        down = np.ceil(step * np.sin(radians) - 0.5).astype(int)
        right = np.ceil(step * np.cos(radians) - 0.5).astype(int)
        part = windows[:, every, reach + down, reach + right]
        result += np.float32(weight) * part
    return np.floor(result + np.float32(0.5))


def sample(
    planes: np.ndarray, y: np.ndarray, x: np.ndarray, *, mirror: bool
) -> np.ndarray:
    """Returns planes at other places, bilinearly interpolated.

    Args:
        planes: float32 [c, n, 32, 32].
        y, x: float32 [n, 32, 32], in pixels, at most 31 outside.
        mirror: whether planes go on mirrored at the middles of their outermost
            pixels (SciPy's "mirror"), or else at their edges ("reflect").
    """
    start = np.arange(y.shape[0])[:, None, None] * SIZE**2
    top, left = np.floor(y), np.floor(x)
    down, right = y - top, x - left
    top, left = top.astype(np.int64), left.astype(np.int64)
    columns = [_inside(left + step, mirror) for step in (0, 1)]
    result = np.zeros_like(planes)
    for dy, share_y in (0, 1 - down), (1, down):
        row = start + _inside(top + dy, mirror) * SIZE
        for dx, share_x in (0, 1 - right), (1, right):
            places, share = row + columns[dx], share_y * share_x
            for plane, sum_of_shares in zip(planes, result, strict=True):
                # Its check of places would take as long as all the rest.
                taken = plane.ravel().take(places, mode="clip")
                sum_of_shares += share * taken
    return result


def _inside(places: np.ndarray, mirror: bool) -> np.ndarray:
    """Returns the pixels that stand for those outside."""
    last = SIZE - 1
    places = np.clip(places, -last, 2 * last)
    if mirror:
        return last - abs(last - abs(places))
    places = np.where(places < 0, -1 - places, places)
    return np.minimum(places, 2 * last + 1 - places)

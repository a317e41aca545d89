"""Google's Grain.

Tuned: the data set is the examples' indices; batched, they are looked up and
augmented by NumPy, twice as fast as a random map of single images. NumPy's
sliding windows are slower than a loop over slices. No read threads, as Grain
advises for data in memory: on two cores neither threads nor processes gained.
"""

import grain
import numpy as np

from peers.box_of_a_batch import box


def batches(images, labels, case, batch_size):
    """Returns batches of (images, one-hot labels)."""
    one_hot = np.eye(10, dtype=np.float32)[labels]
    if case != "none":
        padded = np.pad(images, [(0, 0), (4, 4), (4, 4), (0, 0)], "reflect")

    def prepare(indices, rng):
        if case == "none":
            x = images[indices]
        else:
            x = _flip_and_crop(padded, indices, rng)
        y = one_hot[indices]
        if case == "flip+crop+cutmix":
            x, y = _cutmix(x, y, rng)
        x = np.multiply(x, np.float32(1 / 255), dtype=np.float32)
        if case in ("flip+crop+cutout", "full"):
            _cutout(x, rng)
        return _mixup(x, y, rng) if case == "full" else (x, y)

    ds = grain.MapDataset.range(len(images)).seed(1).shuffle()
    ds = ds.batch(batch_size, batch_fn=np.asarray).random_map(prepare).repeat()
    return ds.to_iter_dataset(
        grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
    )


def _flip_and_crop(padded, indices, rng, size=32):
    n, num_shifts = len(indices), padded.shape[1] - size + 1
    tops, lefts = rng.integers(num_shifts, size=(2, n)).tolist()
    mirrored = (rng.random(n) < 0.5).tolist()
    x = np.empty((n, size, size, 3), padded.dtype)
    for out, index, top, left, mirror in zip(
        x, indices.tolist(), tops, lefts, mirrored, strict=True
    ):
        window = padded[index, top : top + size, left : left + size]
        out[...] = window[:, ::-1] if mirror else window
    return x


def _cutout(x, rng, side=8):
    n, height, width, _ = x.shape
    places = np.arange(side)
    rows = rng.integers(height - side + 1, size=(n, 1)) + places
    columns = rng.integers(width - side + 1, size=(n, 1)) + places
    which = np.arange(n)[:, None, None]
    x[which, rows[:, :, None], columns[:, None, :]] = 0


def _cutmix(x, y, rng):
    rows, columns, share = box(x.shape[1], *rng.random(3))
    x[:, rows, columns] = np.roll(x[:, rows, columns], 1, axis=0)
    share = np.float32(share)
    return x, share * np.roll(y, 1, axis=0) + (1 - share) * y


def _mixup(x, y, rng):
    # Beta(1, 1) is uniform; a shuffled batch rolled by one pairs strangers.
    weight = rng.random(dtype=np.float32)
    return tuple(
        weight * a + (1 - weight) * np.roll(a, 1, axis=0) for a in (x, y)
    )

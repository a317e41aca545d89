"""NVIDIA's DALI, on the CPU.

Tuned: NumPy gathers padded images of a batch, which DALI takes without a copy;
one operator crops, mirrors and converts them; a thread for each core, the next
batches made ahead. CutMix is left out: DALI has no operator for it.
"""

import functools

import numpy as np
from nvidia.dali import fn, pipeline_def, types

from cifar10_tf.system.inventory import num_cpus

_PAD = 4
_SIDE = 8


def batches(images, labels, case, batch_size):
    """Returns batches of (images [n, 3, 32, 32], one-hot labels)."""
    if case == "flip+crop+cutmix":
        raise NotImplementedError("DALI has no operator for CutMix")
    if case != "none":
        edges = [(0, 0), (_PAD, _PAD), (_PAD, _PAD), (0, 0)]
        images = np.pad(images, edges, "reflect")
    one_hot = np.eye(10, dtype=np.float32)[labels]
    return _Batches(
        functools.partial(_shuffled, images, one_hot), case, batch_size
    )


class _Batches:
    def __init__(self, source, case, batch_size):
        self._source, self._case = source, case
        self._batch_size = batch_size

    def __iter__(self):
        pipe = _pipeline(
            self._source(self._batch_size),
            self._case,
            batch_size=self._batch_size,
            num_threads=num_cpus(),
            device_id=None,
            prefetch_queue_depth=2,
        )
        pipe.build()
        while True:
            yield tuple(np.asarray(o.as_tensor()) for o in pipe.run())


def _shuffled(images, labels, batch_size):
    rng = np.random.default_rng()
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            yield images[indices], labels[indices]


@pipeline_def
def _pipeline(source, case):
    x, y = fn.external_source(source, num_outputs=2, layout=["HWC", ""])
    where = {}
    if case != "none":
        where = {
            "crop": (32, 32),
            "crop_pos_x": _place(2 * _PAD),
            "crop_pos_y": _place(2 * _PAD),
            "mirror": fn.random.coin_flip(),
        }
    x = fn.crop_mirror_normalize(x, std=[255.0], dtype=types.FLOAT, **where)
    if case in ("flip+crop+cutout", "full"):
        places = [float(place) for place in range(33 - _SIDE)]
        x = fn.erase(
            x,
            anchor=fn.random.uniform(values=places, shape=2),
            shape=[_SIDE, _SIDE],
            axis_names="HW",
        )
    if case == "full":
        # Beta(1, 1) is uniform.
        weight = fn.random.uniform(range=(0, 1))
        other = fn.batch_permutation()
        x, y = (
            fn.permute_batch(z, indices=other) * weight + z * (1 - weight)
            for z in (x, y)
        )
    return x, y


def _place(num):
    """Returns one of num + 1 equally likely places, as crops take them."""
    return fn.random.uniform(values=[i / num for i in range(num + 1)])

"""PyTorch's DataLoader with torchvision's transforms, on two worker processes.

Tuned: transforms of the second version, on uint8 tensors, workers that persist
from one epoch to the next, mixup and CutMix in the workers.
"""

import functools

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

try:
    import torchvision  # noqa: F401
except RuntimeError:
    # A torchvision built for CUDA can't load its operators beside a PyTorch
    # built for the CPU. The transforms used here call none of them, but the
    # import wants these two to be declared.
    _declared = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _declared.define(
            f"{_name}(Tensor dets, Tensor scores, float threshold) -> Tensor"
        )
from torchvision.transforms import v2

_NUM_WORKERS = 2


def batches(images, labels, case, batch_size):
    """Returns (images [n, 3, 32, 32], integer labels; in `full` soft ones)."""
    return _Batches(images, labels, case, batch_size)


class _Images(Dataset):
    def __init__(self, images, labels, transform):
        self._images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self._labels = torch.from_numpy(labels)
        self._transform = transform

    def __len__(self):
        return len(self._images)

    def __getitem__(self, index):
        return self._transform(self._images[index]), self._labels[index]


class _Batches:
    def __init__(self, images, labels, case, batch_size):
        self._dataset = _Images(images, labels, _transform(case))
        self._collate = default_collate
        if case in _MIXING:
            self._collate = functools.partial(_mixed, _MIXING[case])
        self._batch_size = batch_size

    def __iter__(self):
        loader = DataLoader(
            self._dataset,
            self._batch_size,
            shuffle=True,
            num_workers=_NUM_WORKERS,
            persistent_workers=True,
            collate_fn=self._collate,
        )
        while True:
            yield from loader


def _transform(case):
    steps = [v2.ToDtype(torch.float32, scale=True)]
    if case != "none":
        steps = [
            v2.RandomHorizontalFlip(),
            v2.RandomCrop(32, padding=4, padding_mode="reflect"),
        ] + steps
    if case in ("flip+crop+cutout", "full"):
        area = (8 / 32) ** 2
        steps.append(v2.RandomErasing(p=1, scale=(area, area), ratio=(1, 1)))
    return v2.Compose(steps)


_MIXING = {
    "full": v2.MixUp(num_classes=10),
    "flip+crop+cutmix": v2.CutMix(num_classes=10),
}


def _mixed(mixing, examples):
    return mixing(*default_collate(examples))

"""Input pipelines over the same arrays, each written as its users tune it.

Each module in SUBJECTS has

    batches(images, labels, case, batch_size) -> iterable

over uint8 images [n, 32, 32, 3] and int64 labels [n] below 10. Each iterator
begins anew, has no end, and gives float32 images in [0, 1] and labels, in the
layout and form usual with that library. Every case shuffles anew each epoch;
`flip+crop` mirrors with probability 1/2 and crops 32x32 at random after
reflecting 4 pixels at each edge; `cutout` blanks a square of 8x8 pixels in each
image (this project's may reach over the border, the others' may not); `full`
adds mixup, its weights drawn for each image or for each batch; `cutmix` puts a
box of another image into each, drawn for each image or for each batch.

`trainings` is of another kind: whole trainings, for `time_to_accuracy`.

Two are no peers: `torch_windows`, this project's method in PyTorch, and
`memcpy`, the limit, which does nothing but copy.
"""

CASES = ("none", "flip+crop", "flip+crop+cutout", "flip+crop+cutmix", "full")

# What each subject needs beyond this package.
SUBJECTS = {
    "cifar10_tf": (),
    "tfdata_per_example": (),
    "tfdata_16_calls": (),
    "keras_layers": (),
    "torch_dataloader": ("torch", "torchvision"),
    "torch_batches": ("torch",),
    "torch_windows": ("torch",),
    "grain_loader": ("grain",),
    "dali": ("nvidia-dali-cuda120",),
    "memcpy": (),
}

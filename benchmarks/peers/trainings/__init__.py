"""Whole trainings in PyTorch on the CPU, which `time_to_accuracy.py` times.

In bfloat16 and channels-last, each in a process of its own: PyTorch's
optimizers crash beside TensorFlow. `torch_speedrun` and `torch_muon` are the
published fast recipes, `torch_speedrun_m` is this project's; the rest is what
they share.

In benchmarks/,

    python -m peers.trainings.NAME --data=FILE.npz --run_dir=DIR [--seed=1]
        [--epochs=...] [--batch_size=...] [--widths=64,256,256]

reads train_images, uint8 [n, 32, 32, 3], and train_labels, integers below 10,
the same as validation_..., which may be empty, and test_.... Writes
metrics.jsonl and, at the end, summary.json, with cifar10_tf's names. As there,
`train_sec` counts the steps and their input and nothing else.
"""

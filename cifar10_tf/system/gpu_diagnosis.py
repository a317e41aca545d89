"""Why TensorFlow sees no GPU."""

import os
import shutil


def has_nvidia_driver() -> bool:
    """Tells whether NVIDIA's driver is installed."""
    return shutil.which("nvidia-smi") is not None


def why_no_gpu() -> str:
    """Says why TensorFlow sees no GPU."""
    import tensorflow as tf

    if not has_nvidia_driver():
        return "no NVIDIA driver on this machine"
    if not tf.test.is_built_with_cuda():
        return "this TensorFlow is built without CUDA"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides it"
    return "CUDA libraries are missing: pip install 'tensorflow[and-cuda]'"

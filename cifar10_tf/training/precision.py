"""Which dtype policy a run is trained with."""

import logging
from collections.abc import Iterable

import keras

from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.settings.config import POLICIES
from cifar10_tf.system import gpu_diagnosis, inventory

_log = logging.getLogger(__name__)


def set_policy(precision: str, resume_from: Checkpoint | None = None) -> str:
    """Sets and returns the dtype policy that models are built with.

    Args:
        precision: a policy, or "auto" for the one that this hardware gains
            from; for a run that goes on it stays what it was.
        resume_from: what the run goes on from.
    """
    policy = precision
    if precision == "auto":
        policy, reason = for_this_machine()
        if resume_from and resume_from.record.get("precision") in POLICIES:
            policy = resume_from.record["precision"]
            reason = "the run began with it"
        _log.info("Precision %s: %s.", policy, reason)
    keras.config.set_dtype_policy(policy)
    if not inventory.gpus():
        if gpu_diagnosis.has_nvidia_driver():
            _log.warning("no GPU is used: %s.", gpu_diagnosis.why_no_gpu())
        if policy == "mixed_float16":
            _log.warning("without a GPU, float16 is slower than float32.")
    return policy


def for_this_machine() -> tuple[str, str]:
    """Returns the Keras dtype policy to train under here, and why."""
    capabilities = (gpu["compute_capability"] for gpu in inventory.gpus())
    return choose(capabilities, inventory.cpu_flags())


def choose(
    compute_capabilities: Iterable[tuple[int, int]], cpu_flags: set[str]
) -> tuple[str, str]:
    """Returns the Keras dtype policy that such hardware gains from, and why.

    Args:
        compute_capabilities: (major, minor) of each GPU in use.
        cpu_flags: the CPU's features as Linux names them.
    """
    lowest = min(compute_capabilities, default=None)
    if lowest is None:
        for flag in ("amx_bf16", "avx512_bf16"):
            if flag in cpu_flags:
                return "mixed_bfloat16", f"the CPU has {flag.upper()}"
        return "float32", "no GPU, and a CPU without AVX512_BF16 or AMX"
    gpu = f"a GPU of compute capability {lowest[0]}.{lowest[1]}"
    if lowest >= (8, 0):
        return "mixed_bfloat16", f"{gpu} has bfloat16 tensor cores"
    if lowest >= (7, 0):
        return "mixed_float16", f"{gpu} has float16 tensor cores"
    return "float32", f"{gpu} has no tensor cores"

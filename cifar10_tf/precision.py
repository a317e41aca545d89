"""Which dtype policy the hardware gains from."""

from collections.abc import Iterable

from cifar10_tf import machine


def for_this_machine() -> tuple[str, str]:
    """Returns the Keras dtype policy to train under here, and why."""
    capabilities = (gpu["compute_capability"] for gpu in machine.gpus())
    return choose(capabilities, machine.cpu_flags())


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

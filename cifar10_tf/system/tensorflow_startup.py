"""Starting TensorFlow: quietly, and on GPUs whose memory others share."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator

from cifar10_tf.system import log_output

_log = logging.getLogger(__name__)

# TensorFlow and Keras import these where they are installed, for functions that
# no command calls: a second or two, as long as all else of theirs takes.
_OPTIONAL = ("IPython", "matplotlib", "pandas", "scipy", "sklearn")

# Whether they are kept from it. Only for a process that is this program's: in a
# notebook Keras's functions for them would stay without.
is_lean = False


def start_tensorflow(num_gpus: int | None = 1) -> None:
    """Imports TensorFlow, quietly, and lets a GPU's memory grow with its use.

    Before its log is set up, TensorFlow writes six lines to stderr that no
    variable turns off, among them an error wherever there is no NVIDIA driver.
    Does nothing the second time.

    Args:
        num_gpus: how many are used, of those that there are; None: all.
    """
    with quiet_import(), _without(_OPTIONAL if is_lean else ()):
        import tensorflow as tf

        gpus = tf.config.get_visible_devices("GPU")
    try:
        _use(gpus, len(gpus) if num_gpus is None else num_gpus)
    except RuntimeError as error:  # somebody has used TensorFlow before
        _log.warning("the GPUs stay as they were set up (%s).", error)


def _use(gpus: list, num: int) -> None:
    import tensorflow as tf

    for gpu in gpus[:num]:
        # All of the memory at once would starve whatever shares the GPU.
        tf.config.experimental.set_memory_growth(gpu, True)
    if len(gpus) > num:
        # TensorFlow would take memory of the others, too, and use none of them.
        tf.config.set_visible_devices(gpus[:num], "GPU")
        _log.info(
            "Of %d GPUs the first is used; CUDA_VISIBLE_DEVICES chooses.",
            len(gpus),
        )


@contextlib.contextmanager
def _without(packages: Iterable[str]) -> Iterator[None]:
    """Lets packages that are not yet imported seem not to be installed."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Silences what TensorFlow says when it is imported; exceptions pass."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with log_output.quiet_stderr():
        yield

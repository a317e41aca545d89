"""CIFAR-10 training in TensorFlow: fast, honest, unbreakable and small.

For a notebook: `train`, `load_run`, `compare`, and `UserError` for what can be
mended. The input pipeline alone: `make_train`, `make_eval`, `steps_per_epoch`.
"""

import importlib
import sys

from cifar10_tf.system import errors, version

__version__ = version.VERSION

# Imported on demand: whoever wants the command line's help need not wait for
# TensorFlow.
_MODULES = {
    "UserError": "system.errors",
    "compare": "api",
    "load_run": "api",
    "make_eval": "pipeline.batches",
    "make_train": "pipeline.batches",
    "steps_per_epoch": "pipeline.batches",
    "train": "api",
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str):
    if name in _MODULES:
        if sys.platform == "win32":
            raise ImportError(errors.NOT_ON_WINDOWS)
        module = importlib.import_module(f"cifar10_tf.{_MODULES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

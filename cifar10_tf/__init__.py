"""CIFAR-10 training in TensorFlow: fast, honest, unbreakable and small.

The input pipeline for programs of one's own: `make_train`, `make_eval` and
`steps_per_epoch`.
"""

from cifar10_tf.system import version

__version__ = version.VERSION

__all__ = ["__version__", "make_eval", "make_train", "steps_per_epoch"]


def __getattr__(name: str):
    # On demand: whoever wants the command line's help need not wait for
    # TensorFlow.
    if name in __all__:
        from cifar10_tf.pipeline import batches

        return getattr(batches, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

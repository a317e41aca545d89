"""CIFAR-10 training in TensorFlow: fast, honest, unbreakable and small."""

__version__ = "0.1.0"

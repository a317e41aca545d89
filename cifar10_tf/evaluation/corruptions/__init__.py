"""The corruptions of CIFAR-10-C, each vectorised over images."""

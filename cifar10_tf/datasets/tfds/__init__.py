"""Datasets in the files of TensorFlow Datasets."""

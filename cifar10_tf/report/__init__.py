"""Runs -> pages for people; loads no model and no TensorFlow."""

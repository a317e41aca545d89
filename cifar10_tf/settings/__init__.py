"""What can be asked of a run; free of TensorFlow."""

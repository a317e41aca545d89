"""One training on many devices: `tf.distribute` computes, this keeps order."""

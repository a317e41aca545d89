"""Sums over the devices that share a batch."""

import tensorflow as tf


def sum_over_devices(values):
    """Returns the sums of what the devices have; of one device, the same.

    Has gradients. Each device calls it, in a `tf.distribute` strategy's `run`.

    Args:
        values: a tensor, or a list of them.
    """
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)

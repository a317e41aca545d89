"""What a convolution computes, for comparing it with Keras's."""

import numpy as np
import tensorflow as tf

TOLERANCES = {"float32": 1e-5, "mixed_float16": 5e-3, "mixed_bfloat16": 2e-2}


def results(layer, x, then=tf.identity):
    """Returns the outputs and the gradients by the input and the kernel.

    then: what comes after the layer.
    """
    layer.build(x.shape)
    rng = np.random.RandomState(1)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape))
    x = tf.cast(x, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = then(layer(x))
        direction = rng.normal(size=y.shape)
        loss = tf.reduce_sum(tf.cast(y, "float32") * direction)
    gradients = tape.gradient(loss, [x, layer.kernel.value])
    return [tf.cast(v, "float32").numpy() for v in (y, *gradients)]

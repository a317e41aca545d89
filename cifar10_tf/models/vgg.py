"""VGG with batch normalisation.

Simonyan, Zisserman: Very deep convolutional networks (arXiv 1409.1556).
"""

import keras
from keras import layers

from cifar10_tf.models.layers import blocks


def build_vgg16_bn(*, num_classes: int = 10) -> keras.Model:
    """13 convolutions, each normalised, and one dense layer, 14.7 M parameters.

    The adaptation to 32x32 images of github.com/kuangliu/pytorch-cifar, which
    leaves out the two hidden layers of 4096. Its convolutions keep their
    biases, which the normalisation makes void.
    """
    inputs = blocks.image()
    x = blocks.normalize(inputs)
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            x = blocks.norm_relu(blocks.conv(x, width, use_bias=True))
        x = layers.MaxPooling2D(2)(x)
    outputs = blocks.pooled_head(x, num_classes)  # of one position
    return keras.Model(inputs, outputs, name="vgg16_bn")

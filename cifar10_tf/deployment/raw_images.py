"""A network that takes images as they are in files."""

import keras


def taking_raw_images(model: keras.Model) -> keras.Model:
    """Returns a model that takes uint8 images and computes what `model` does.

    Args:
        model: images in [0, 1] -> probabilities; its weights are shared.
    """
    images = keras.Input((32, 32, 3), dtype="uint8", name="image")
    scale = keras.layers.Rescaling(1 / 255, dtype="float32", name="scale")
    return keras.Model(images, model(scale(images)), name=model.name)

import numpy as np
from absl.testing import absltest

from cifar10_tf.deployment import occlusion
from cifar10_tf.deployment.predictions import Prediction


def _sees(rows, columns):
    """Returns a network of two classes that looks at a part of an image."""

    def probabilities(images):
        seen = images[:, rows, columns].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - seen, seen], axis=1).astype(np.float32)

    return probabilities


def _image():
    """Returns a white square on black, up on the left."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[2:8, 2:8] = 255
    return image


class HeatMapTest(absltest.TestCase):
    def test_what_the_network_looks_at_is_hot(self):
        network = _sees(slice(0, 10), slice(0, 10))
        heat = occlusion.heat_map(_image(), 1, network)
        self.assertEqual(heat.shape, (32, 32))
        self.assertGreater(heat[2:8, 2:8].min(), 0)
        np.testing.assert_array_equal(heat[20:, 20:], 0)
        # It speaks against the other class as much.
        other = occlusion.heat_map(_image(), 0, network)
        np.testing.assert_allclose(other, -heat, atol=1e-5)

    def test_a_network_that_is_sure(self):
        def sure(images):
            return np.tile(np.float32([0.0, 1.0]), (len(images), 1))

        heat = occlusion.heat_map(_image(), 1, sure)
        np.testing.assert_array_equal(heat, 0)
        occlusion.overlay(_image(), heat, 64)

    def test_a_picture_has_the_image_and_the_map(self):
        network = _sees(slice(0, 10), slice(0, 10))
        prediction = Prediction(
            "x", _image(), network(_image()[None])[0], ("black", "white")
        )
        picture = np.asarray(occlusion.explain(prediction, network))
        image, overlay = picture[:, :256], picture[:, -256:]
        np.testing.assert_array_equal(image[::8, ::8], _image())
        # "black" is the answer; the square speaks against it.
        red, _, blue = overlay[40, 40].astype(int)
        self.assertGreater(blue, red)


if __name__ == "__main__":
    absltest.main()

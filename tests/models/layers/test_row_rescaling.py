import keras
import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.models.layers.row_rescaling import RowRescaling

_CHANNELS = {"scale": [2.0, 3.0, 4.0], "offset": [-1.0, 0.5, 0.1]}


class RowRescalingTest(parameterized.TestCase):
    @parameterized.product(
        width=[1, 3, 32], dtype=["float32", "mixed_bfloat16", "float16"]
    )
    def test_is_kerass_to_the_bit(self, width, dtype):
        x = np.random.RandomState(0).rand(2, 5, width, 3)
        ours, kerass = (
            layer(**_CHANNELS, dtype=dtype)(x)
            for layer in (RowRescaling, keras.layers.Rescaling)
        )
        self.assertEqual(ours.dtype, kerass.dtype)
        np.testing.assert_array_equal(
            *(keras.ops.cast(y, "float32") for y in (ours, kerass))
        )

    def test_takes_other_widths_than_the_first(self):
        layer = RowRescaling(**_CHANNELS)
        for width in 32, 24:
            self.assertEqual(layer(np.ones((1, 4, width, 3))).shape[2], width)


if __name__ == "__main__":
    absltest.main()

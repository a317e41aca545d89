from unittest import mock

import numpy as np
from absl.testing import absltest

from cifar10_tf.settings.config import make_config
from cifar10_tf.training import fitting


class ProvenanceTest(absltest.TestCase):
    def test_sizes_that_change_no_bit_are_no_environment(self):
        hardware = {"cpu": "abacus", "memory_gib": 1.5, "cpu_quota": 2.0}
        provenance = fitting._provenance(
            make_config(),
            mock.Mock(digest="0"),
            np.zeros(1, bool),
            {"precision": "float32", "versions": {}, "hardware": hardware}
            | {"jit": False, "num_workers": 1, "num_devices": 2},
        )
        self.assertEqual(
            provenance.environment,
            {
                "cpu": "abacus",
                "jit": False,
                "num_workers": 1,
                "num_devices": 2,
            },
        )


if __name__ == "__main__":
    absltest.main()

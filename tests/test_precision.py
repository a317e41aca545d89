from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf import machine, precision

_BFLOAT16_CPU = {"avx2", "avx512f", "avx512_bf16"}


class ChooseTest(parameterized.TestCase):
    @parameterized.parameters(
        ([(6, 1)], "float32"),  # P100's generation: no tensor cores
        ([(7, 0)], "mixed_float16"),  # V100
        ([(7, 5)], "mixed_float16"),  # T4
        ([(8, 0)], "mixed_bfloat16"),  # A100
        ([(10, 0)], "mixed_bfloat16"),
        ([(8, 0), (7, 5)], "mixed_float16"),  # what both gain from
        ([(0, 0)], "float32"),  # not NVIDIA's
    )
    def test_on_gpus(self, capabilities, expected):
        # The CPU beside them does not matter.
        for flags in (set(), _BFLOAT16_CPU):
            policy, reason = precision.choose(capabilities, flags)
            self.assertEqual(policy, expected)
            self.assertIn("GPU", reason)

    @parameterized.parameters(
        (_BFLOAT16_CPU, "mixed_bfloat16"),
        ({"amx_bf16", "amx_tile"}, "mixed_bfloat16"),
        ({"avx2", "avx512f"}, "float32"),
        ({"amx_tile", "amx_int8"}, "float32"),
        (set(), "float32"),
    )
    def test_on_cpus(self, flags, expected):
        policy, reason = precision.choose([], flags)
        self.assertEqual(policy, expected)
        self.assertIn("CPU", reason)

    def test_the_t4s_machine(self):
        t4 = {"name": "Tesla T4", "compute_capability": (7, 5)}
        with mock.patch.object(machine, "gpus", return_value=[t4]):
            self.assertEqual(precision.for_this_machine()[0], "mixed_float16")


if __name__ == "__main__":
    absltest.main()

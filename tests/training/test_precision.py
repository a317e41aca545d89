import logging
from unittest import mock

import keras
from absl.testing import absltest, parameterized

from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.system import gpu_diagnosis, inventory
from cifar10_tf.training import precision

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
        with mock.patch.object(inventory, "gpus", return_value=[t4]):
            self.assertEqual(precision.for_this_machine()[0], "mixed_float16")


class SetPolicyTest(absltest.TestCase):
    def _precision(self, asked_for, *begun_with):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        found = None
        if begun_with:
            [policy] = begun_with
            found = Checkpoint(1, [], {"precision": policy})
        here = "mixed_bfloat16", "of a reason"
        with mock.patch.object(precision, "for_this_machine", lambda: here):
            policy = precision.set_policy(asked_for, found)
        self.assertEqual(keras.config.dtype_policy().name, policy)
        return policy

    def test_auto_is_of_this_machine_and_of_where_the_run_began(self):
        self.assertEqual(self._precision("auto"), "mixed_bfloat16")
        self.assertEqual(
            self._precision("auto", "mixed_float16"), "mixed_float16"
        )
        self.assertEqual(self._precision("float32"), "float32")

    def test_a_forged_one_is_none(self):
        for forged in None, "x", ["float32"], {}:
            self.assertEqual(self._precision("auto", forged), "mixed_bfloat16")

    def _warnings(self, policy, driver, gpus=()):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        with (
            mock.patch.object(inventory, "gpus", return_value=gpus),
            mock.patch.object(
                gpu_diagnosis, "has_nvidia_driver", return_value=driver
            ),
            mock.patch.object(
                gpu_diagnosis, "why_no_gpu", return_value="it is hidden"
            ),
            self.assertLogs("cifar10_tf") as logs,
        ):
            logging.getLogger("cifar10_tf").info("nothing else")
            precision.set_policy(policy)
        return "".join(logs.output[1:])

    def test_a_gpu_that_is_not_used_is_a_warning(self):
        self.assertIn(
            "no GPU is used: it is hidden", self._warnings("float32", True)
        )
        self.assertEqual(self._warnings("float32", False), "")
        self.assertEqual(self._warnings("mixed_float16", True, ["a"]), "")

    def test_float16_without_a_gpu_is_a_warning(self):
        self.assertIn("slower", self._warnings("mixed_float16", False))


if __name__ == "__main__":
    absltest.main()

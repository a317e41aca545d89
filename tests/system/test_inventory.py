import importlib.metadata
import pathlib
import platform
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import absltest

from cifar10_tf.system import inventory
from tests import launcher


class VersionsTest(absltest.TestCase):
    def test_versions_need_no_installed_package(self):
        missing = importlib.metadata.PackageNotFoundError
        with mock.patch("importlib.metadata.version", side_effect=missing):
            versions = inventory.versions()
        self.assertEqual(versions["tensorflow"], tf.__version__)
        self.assertEqual(versions["tensorflow-datasets"], tfds.__version__)

    def test_versions_do_not_import_tfds(self):
        program = """
import sys
from cifar10_tf.system import inventory
inventory.versions()
assert "tensorflow_datasets" not in sys.modules
"""
        result = launcher.heavy().run(program=program)
        self.assertEqual(result.returncode, 0, result.stderr)


_CPUINFO = """
processor	: 0
model name	: abacus: of wood
flags		: fpu avx2 amx_bf16

processor	: 1
model name	: slide rule
"""


class HardwareTest(absltest.TestCase):
    def test_the_first_cpus_name_and_features(self):
        with mock.patch.object(pathlib.Path, "read_text", lambda *_: _CPUINFO):
            hardware = inventory.hardware()
            self.assertEqual(inventory.cpu_flags(), {"fpu", "avx2", "amx_bf16"})
        self.assertEqual(hardware["cpu"], "abacus: of wood")
        self.assertEqual(hardware["cpu_features"], ["amx_bf16", "avx2"])
        self.assertGreater(hardware["memory_gib"], 0.1)

    def test_elsewhere_than_on_linux(self):
        with mock.patch.object(pathlib.Path, "read_text", side_effect=OSError):
            self.assertEqual(inventory.cpu_flags(), set())
            self.assertEqual(inventory.hardware()["cpu"], platform.processor())

    def test_cpus_are_those_that_this_process_may_use(self):
        with mock.patch("os.sched_getaffinity", lambda _: {3, 5, 7}):
            self.assertEqual(inventory.num_cpus(), 3)

    def test_the_lowest_quota_of_a_container_and_what_is_above_it(self):
        root = pathlib.Path(self.create_tempdir().full_path)
        self.assertIsNone(inventory.cpu_quota(root))
        group = root / "sys/fs/cgroup/docker/job"
        group.mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text("0::/docker/job\n")
        (group / "cpu.max").write_text("max 100000\n")
        self.assertIsNone(inventory.cpu_quota(root))
        (group.parent / "cpu.max").write_text("150000 100000\n")
        self.assertEqual(inventory.cpu_quota(root), 1.5)
        (group / "cpu.max").write_text("50000 100000\n")
        self.assertEqual(inventory.cpu_quota(root), 0.5)

    def test_the_quota_of_version_1(self):
        root = pathlib.Path(self.create_tempdir().full_path)
        groups = root / "sys/fs/cgroup/cpu"
        groups.mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text(
            "4:memory:/docker/1f\n1:cpu,cpuacct:/docker/1f\n0::/docker/1f\n"
        )
        (groups / "cpu.cfs_period_us").write_text("100000\n")
        for quota, expected in ("-1", None), ("150000", 1.5):
            (groups / "cpu.cfs_quota_us").write_text(f"{quota}\n")
            self.assertEqual(inventory.cpu_quota(root), expected)

    def test_gpus(self):
        details = {"device_name": "Tesla T4", "compute_capability": (7, 5)}
        with (
            mock.patch.object(
                tf.config, "get_visible_devices", return_value=["gpu", "x"]
            ),
            mock.patch.object(
                tf.config.experimental,
                "get_device_details",
                side_effect=[details, {}],
            ),
        ):
            first, second = inventory.gpus()
        self.assertEqual(
            first, {"name": "Tesla T4", "compute_capability": (7, 5)}
        )
        self.assertEqual(second["compute_capability"], (0, 0))


if __name__ == "__main__":
    absltest.main()

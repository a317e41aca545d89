"""Ray itself, where it is installed: pip install 'cifar10_tf[ray]'."""

import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
from unittest import mock

import psutil
import pytest
from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.executors import run_process
from cifar10_tf.studies.executors.executor import Job
from cifar10_tf.system.errors import UserError

ray = pytest.importorskip("ray", reason="Ray is not installed.")
from cifar10_tf.studies.executors import ray_cluster  # noqa: E402

# Does what its job's seed says, and leaves a line in the directory's file.
_RUN = """
import os, pathlib, signal, sys, time
flags = dict(a.lstrip("-").split("=", 1) for a in sys.argv if "=" in a)
directory = pathlib.Path(flags["run_dir"])
seed = int(flags["seed"])
with directory.with_suffix(".txt").open("a") as file:
    file.write(f"{os.getpid()}\\n")
times = len(directory.with_suffix(".txt").read_text().split())
if seed == 7:
    sys.exit(7)
if seed == 9 and times < 3:
    os.kill(os.getpid(), signal.SIGKILL)
if seed >= 100:
    time.sleep(300)
"""

_STUDY = """
import sys
from tests.studies.executors import test_ray_cluster as tests
from cifar10_tf.studies.executors import ray_cluster, run_process
from cifar10_tf.system import interruption
interruption.install()
run_process.PROGRAM = [sys.executable, "-c", tests._RUN]
try:
    list(ray_cluster.RayCluster().run([tests.job(sys.argv[1], 100)]))
except interruption.Interrupted as stop:
    sys.exit(stop.status)
"""


class _RayTestCase(absltest.TestCase):
    """With a token of its own: Ray would write one into the user's home."""

    def setUp(self):
        super().setUp()
        token = self.create_tempfile(content=secrets.token_hex(32)).full_path
        self.enter_context(
            mock.patch.dict(os.environ, RAY_AUTH_TOKEN_PATH=token)
        )


def job(root, seed: int, **others) -> Job:
    """Returns a job whose program leaves its process's number in a file."""
    config = make_config(seed=seed, run_dir=f"{root}/seed{seed}")
    return Job(config, log=f"{root}/seed{seed}.log", **others)


def _begun(root, seed: int) -> int:
    """Returns the number of a job's process when it has begun."""
    path = pathlib.Path(root) / f"seed{seed}.txt"
    while not (path.exists() and path.read_text().endswith("\n")):
        time.sleep(0.05)
    return int(path.read_text().split()[-1])


class NeedsTest(parameterized.TestCase):
    @parameterized.parameters(
        ([{"CPU": 8.0}, {"CPU": 4.0}, {"memory": 1.0}], ("CPU", 4.0)),
        ([{"CPU": 8.0}, {"CPU": 4.0, "GPU": 2.0}], ("GPU", 1)),
        ([{"memory": 1.0}], ("CPU", 1)),
    )
    def test_a_gpu_or_a_machine(self, resources, needs):
        self.assertEqual(ray_cluster._needs(resources), needs)


class NoClusterTest(parameterized.TestCase):
    @parameterized.parameters("127.0.0.1:9", "ray://127.0.0.1:9", "auto")
    def test_there_is_none(self, address):
        with self.assertRaisesRegex(UserError, f"no Ray cluster at {address}:"):
            list(ray_cluster.RayCluster(address).run([]))


@pytest.mark.slow
class RayClusterTest(_RayTestCase):
    """Each test starts Ray, and is of several things."""

    def setUp(self):
        super().setUp()
        self.root = self.create_tempdir().full_path
        program = [sys.executable, "-c", _RUN]
        self.enter_context(mock.patch.object(run_process, "PROGRAM", program))

    def test_statuses_hopelessness_and_starting_again(self):
        def is_hopeless():
            return os.path.exists(f"{self.root}/seed100.txt")

        jobs = [job(self.root, seed) for seed in (2, 7, 9)]
        jobs.append(job(self.root, 100, is_hopeless=is_hopeless))
        before = signal.getsignal(signal.SIGTERM)
        ended = {
            made.config.seed: status
            for made, status in ray_cluster.RayCluster().run(jobs)
        }
        self.assertEqual(ended.keys(), {2, 7, 9, 100})
        self.assertEqual((ended[2], ended[7], ended[9]), (0, 7, 0))
        self.assertLess(ended[100], 0)
        self.assertFalse(psutil.pid_exists(_begun(self.root, 100)))
        self.assertIs(signal.getsignal(signal.SIGTERM), before)
        again = (pathlib.Path(self.root) / "seed9.txt").read_text().split()
        self.assertLen(again, 3)


@pytest.mark.slow
@pytest.mark.signals
class SignalTest(_RayTestCase):
    def test_nothing_outlives_it(self):
        for number in signal.SIGTERM, signal.SIGKILL:
            root = self.create_tempdir().full_path
            with subprocess.Popen(
                [sys.executable, "-c", _STUDY, root],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as process:
                run = psutil.Process(_begun(root, 100))
                process.send_signal(number)
                process.wait()
                run.wait(60)
            expected = -9 if number == signal.SIGKILL else 128 + number
            self.assertEqual(process.returncode, expected)


if __name__ == "__main__":
    absltest.main()

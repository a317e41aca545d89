import contextlib
import signal
import socket
import subprocess
import sys
import time

from absl.testing import absltest

from cifar10_tf.system.cluster import Cluster, guard, peers

# A guard that is in no mood to wait, and a parent that keeps the interpreter
# from all its threads, as TensorFlow does: one long call of native code.
_PROGRAM = """
import pathlib, re, sys
from cifar10_tf.system.cluster import Cluster, guard, peers
directory, gone_sec, limit_sec, *addresses = sys.argv[1:]
program = pathlib.Path(guard.__file__).read_text()
for name, seconds in {
    "INTERVAL_SEC": "0.05", "_GONE_SEC": gone_sec, "_LIMIT_SEC": limit_sec
}.items():
    program = re.sub(f"(?m)^{name} = .*", f"{name} = {seconds}", program)
guard.__file__ = f"{directory}/guard.py"
pathlib.Path(guard.__file__).write_text(program)
with peers.Peers(Cluster(tuple(addresses), 0)).connecting():
    print("connecting", flush=True)
    re.fullmatch("(a+)+b", "a" * 40)
"""


class GuardTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self._listening.close)
        self._address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def _start(self, *, gone_sec, limit_sec):
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", _PROGRAM),
                *(self.create_tempdir().full_path, gone_sec, limit_sec),
                *("127.0.0.1:1", self._address),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "connecting\n")
        return process

    def test_one_that_ends_while_tensorflow_connects(self):
        process = self._start(gone_sec="0.3", limit_sec="1000")
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        self._listening.close()
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGUSR1)
        self.assertEqual(128 + signal.SIGUSR1, peers.LOST_STATUS)
        self.assertStartsWith(
            said, f"stopped because the worker at {self._address} is gone; "
        )

    def test_nobody_connects_for_ever(self):
        process = self._start(gone_sec="1000", limit_sec="0.3")
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGUSR1)
        self.assertStartsWith(said, "stopped because TensorFlow can't connect")

    def test_ends_with_what_it_guards(self):
        cluster = Cluster(("127.0.0.1:1", self._address), 0)
        before = signal.getsignal(signal.SIGUSR1)
        with contextlib.ExitStack() as stack:
            stack.enter_context(peers.Peers(cluster).connecting())
            self.assertEqual(signal.getsignal(signal.SIGUSR1), signal.SIG_DFL)
        self.assertEqual(signal.getsignal(signal.SIGUSR1), before)

    def test_ends_when_its_parent_does(self):
        program = [sys.executable, "-I", guard.__file__, self._address]
        process = subprocess.Popen(program, stdin=subprocess.PIPE)
        self.addCleanup(process.kill)
        time.sleep(0.1)
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 0)


if __name__ == "__main__":
    absltest.main()

import signal
import socket
import subprocess
import sys

import pytest
from absl.testing import absltest

from cifar10_tf.system.cluster import Cluster, peers

_PROGRAM = """
import sys, time
from cifar10_tf.system.cluster import Cluster, peers
peers.guard.INTERVAL_SEC, peers._MEETING_SEC = 0.05, float(sys.argv[3])
with peers.Peers(Cluster((sys.argv[1], sys.argv[2]), 0)).watched() as watching:
    print("watching", flush=True)
    watching.meet()
    print("met", flush=True)
    if sys.stdin.read() == "stop":
        watching.stop()
        time.sleep(0.5)
        sys.exit()
    time.sleep(60)
"""


class _Port:
    """Somebody who listens, and never answers."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def wait_for_somebody(self):
        self._socket.accept()[0].close()

    def close(self):
        self._socket.close()


@pytest.mark.slow
class PeersTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.own, self.other = _Port(), _Port()
        self.addCleanup(self.own.close)
        self.addCleanup(self.other.close)

    def _start(self, *more, meeting_sec=100):
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", _PROGRAM),
                *(self.own.address, self.other.address),
                *(str(meeting_sec), *more),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.kill)
        return process

    def test_one_that_ends_takes_this_one_along(self):
        process = self._start()
        self.other.wait_for_somebody()
        self.assertIsNone(process.poll())
        self.other.close()
        error = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, peers.LOST_STATUS)
        self.assertIn(f"worker 1 ({self.other.address}) is gone", error)

    def test_not_when_it_is_watched_no_longer(self):
        process = self._start()
        self._wait_for(process, "met")
        process.stdin.write("stop")
        process.stdin.close()
        self.other.close()
        self.assertEqual(process.wait(timeout=60), 0)

    def test_one_that_has_not_come_is_waited_for_until_a_signal(self):
        self.other.close()
        process = self._start()
        self._wait_for(process, "watching")
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.terminate()
        self.assertEqual(process.wait(timeout=60), -signal.SIGTERM)

    def _wait_for(self, process, said):
        while process.stdout.readline() != f"{said}\n":
            self.assertIsNone(process.poll())

    def test_is_there_before_tensorflow_and_makes_room_for_it(self):
        self.own.close()
        host, _, port = self.own.address.rpartition(":")
        address = host, int(port)
        both = Cluster((self.own.address, self.other.address), 0)
        with peers.Peers(both).watched() as watching:
            socket.create_connection(address, 5).close()
            watching.meet()
            socket.create_server(address).close()
        with peers.Peers(both).watched():
            socket.create_connection(address, 5).close()
        with self.assertRaises(OSError):
            socket.create_connection(address, 5)

    def test_one_that_does_not_come_is_named(self):
        self.other.close()
        process = self._start(meeting_sec=0.2)
        error = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, peers.LOST_STATUS)
        self.assertIn(
            f"not all workers have come ({self.other.address})", error
        )

    def test_the_first_and_any_other_watch_each_other(self):
        addresses = "a:1", "b:2", "c:3"
        watched = [
            peers.Peers(Cluster(addresses, index))._watched
            for index in range(3)
        ]
        self.assertEqual(watched, [[1, 2], [0], [0]])


if __name__ == "__main__":
    absltest.main()

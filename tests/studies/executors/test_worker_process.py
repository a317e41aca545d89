import os
import socket
from unittest import mock

from absl.testing import absltest

from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.studies.executors import worker_process
from cifar10_tf.studies.executors.worker_process import WorkerProcess

_SAYS = """
import os, sys
print(os.environ["TF_CONFIG"], os.getcwd(), os.environ.get("OMP_NUM_THREADS"))
print("wrong", file=sys.stderr)
sys.exit(7)
"""

_SLEEPS = "import time; print('here', flush=True); time.sleep(300)"


class WorkerProcessTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = self.create_tempdir().full_path
        self.worker = WorkerProcess()

    def _start(self, program, is_chief=False):
        self.worker.start(
            ["-c", program],
            tf_config="{}",
            run_dir=self.directory,
            is_chief=is_chief,
            cwd=self.directory,
            num_threads="3",
        )

    def test_what_it_says_and_its_status(self):
        with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):
            self._start(_SAYS)
        self.assertEqual(
            self.worker.look(300),
            (f"{{}} {self.directory} 3\n".encode(), b"wrong\n", 7),
        )

    def test_it_is_looked_at_while_it_runs_and_asked_to_end(self):
        self._start(_SLEEPS)
        said = b""
        while not said:
            said, _, status = self.worker.look(0.05)
            self.assertIsNone(status)
        self.assertEqual(said, b"here\n")
        self.worker.terminate()
        self.assertEqual(self.worker.look(300).status, -15)

    def test_more_than_a_pipe_holds(self):
        self._start("print('x' * 200_000)")
        said, status = b"", None
        while status is None:
            more, _, status = self.worker.look(0.05)
            said += more
        self.assertLen(said, 200_001)

    def test_the_first_one_waits_for_whoever_is_still_there(self):
        with mock.patch.object(RunLock, "wait") as wait:
            self._start("0")
            wait.assert_not_called()
            self._start("0", is_chief=True)
            wait.assert_called_once()


class FreePortTest(absltest.TestCase):
    def test_what_is_taken_is_not_given(self):
        with socket.socket() as taken:
            taken.bind(("", 0))
            port = taken.getsockname()[1]
            ports = (port, port + 2)
            with mock.patch.object(worker_process, "_PORTS", ports):
                self.assertNotEqual(worker_process.free_port(0, 1), port)

    def test_no_two_workers_are_given_the_same(self):
        for index in range(3):
            self.assertEqual(
                worker_process.free_port(index, 3) % 3, (20000 + index) % 3
            )


if __name__ == "__main__":
    absltest.main()

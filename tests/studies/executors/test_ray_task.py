import _thread
import contextlib
import os
import pathlib
import threading
import time
from unittest import mock

from absl.testing import absltest

from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.studies.executors import ray_task

_SAYS = """
import os, pathlib, sys
pathlib.Path(sys.argv[1]).write_text(
    f"{os.getcwd()} {os.environ.get('OMP_NUM_THREADS')}")
sys.exit(7)
"""

_SAVES = """
import os, pathlib, signal, sys, time
def end(*_):
    time.sleep(0.2)  # saves what it has
    path.write_text("saved")
    os._exit(143)
signal.signal(signal.SIGTERM, end)
path = pathlib.Path(sys.argv[1])
path.write_text("begun")
time.sleep(300)
"""


class MakeTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)
        self.said = self.directory / "said"
        self.enter_context(mock.patch.object(ray_task, "_POLL_SEC", 0.05))

    def _make(self, program=_SAYS, cwd="", num_threads=None):
        return ray_task.make(
            ["-c", program, str(self.said)],
            log=None,
            run_dir=str(self.directory),
            cwd=cwd or str(self.directory),
            num_threads=num_threads,
        )

    def test_status_and_directory(self):
        self.assertEqual(self._make(), 7)
        self.assertEqual(self.said.read_text(), f"{self.directory} None")

    def test_a_directory_of_another_machine(self):
        self.assertEqual(self._make(cwd="/of/another/machine"), 7)
        self.assertEqual(self.said.read_text(), f"{os.getcwd()} None")

    def test_threads_are_those_of_the_users_environment(self):
        for num_threads in None, "3":
            with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):
                self._make(num_threads=num_threads)
            self.assertEqual(
                self.said.read_text().split()[-1], f"{num_threads}"
            )

    def test_cancelled_it_ends_when_the_run_has_saved(self):
        def cancel():
            while not self.said.exists():
                time.sleep(0.01)
            for _ in range(3):  # as Ray does until it ends
                _thread.interrupt_main()
                time.sleep(0.07)

        thread = threading.Thread(target=cancel)
        thread.start()
        with contextlib.suppress(KeyboardInterrupt):
            self._make(_SAVES)
        self.assertEqual(self.said.read_text(), "saved")
        thread.join()

    def test_it_waits_for_whoever_is_still_there(self):
        with mock.patch.object(RunLock, "wait", autospec=True) as wait:
            wait.side_effect = lambda *_: self.assertFalse(self.said.exists())
            self._make()
        ((lock, _),) = (call.args for call in wait.call_args_list)
        self.assertEqual(lock.path.parent, self.directory)


if __name__ == "__main__":
    absltest.main()

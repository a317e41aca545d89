import os
import pathlib
import threading

from absl.testing import absltest

from cifar10_tf.runs.run_lock import RunLock
from cifar10_tf.system.errors import UserError


class RunLockTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)
        self.lock = RunLock(self.directory)
        self.addCleanup(self.lock.release)

    def test_one_holds_it(self):
        other = RunLock(self.directory)
        self.lock.acquire()
        for take in other.acquire, other.held_if_there().__enter__:
            with self.assertRaisesRegex(UserError, f"in {self.directory};"):
                take()
        self.lock.release()
        with other.held_if_there():
            self.assertRaises(UserError, self.lock.acquire)
        self.lock.acquire()

    def test_looking_makes_no_file(self):
        with self.lock.held_if_there():
            self.assertEmpty(os.listdir(self.directory))

    def test_waiting_ends_when_nobody_holds_it(self):
        held, seen = threading.Event(), threading.Event()

        def hold():
            self.lock.acquire()  # a thread's own
            held.set()
            seen.wait()
            self.lock.release()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        other = RunLock(self.directory)
        other.wait(0.05)
        self.assertRaises(UserError, other.acquire)  # the time was over
        threading.Timer(0.1, seen.set).start()
        other.wait(300)
        other.acquire()
        other.release()
        thread.join()


if __name__ == "__main__":
    absltest.main()

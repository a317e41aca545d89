import os
import pathlib

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


if __name__ == "__main__":
    absltest.main()

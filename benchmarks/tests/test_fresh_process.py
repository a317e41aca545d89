import subprocess
import sys

from absl.testing import absltest
from harness import fresh_process


def _start(program: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-S", "-c", program])


class WaitForAllTest(absltest.TestCase):
    def test_waits(self):
        processes = [_start("import time; time.sleep(0.3)"), _start("")]
        fresh_process.wait_for_all(processes)
        self.assertEqual([p.returncode for p in processes], [0, 0])

    def test_the_end_of_one_is_that_of_all(self):
        waiting = _start("import time; time.sleep(600)")
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            fresh_process.wait_for_all([waiting, _start("raise SystemExit(3)")])
        self.assertEqual(caught.exception.returncode, 3)
        self.assertIsNotNone(waiting.poll())


if __name__ == "__main__":
    absltest.main()

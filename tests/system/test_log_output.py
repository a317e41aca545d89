import os
import pty
import subprocess
import sys

from absl.testing import absltest

_PROGRAM = """
import sys
from cifar10_tf.system import log_output
log_output.outlive_terminal()
print("before", flush=True)
sys.stdin.readline()  # the terminal closes
for _ in range(2):
    print("after", flush=True)
    print("after", file=sys.stderr)
"""


class OutliveTerminalTest(absltest.TestCase):
    def test_a_process_goes_on_when_its_terminal_closes(self):
        ours, its = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=its,
            stderr=its,
            start_new_session=True,  # it is sent no SIGHUP
        )
        os.close(its)
        self.assertEqual(os.read(ours, 100), b"before\r\n")
        os.close(ours)
        process.communicate(b"\n", timeout=60)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    absltest.main()

import subprocess
import sys
import time
from unittest import mock

from absl.testing import absltest

from cifar10_tf.system import process_clock


class ProcessSecTest(absltest.TestCase):
    def test_counts_from_the_start_of_the_process(self):
        program = (
            "import time; time.sleep(0.5);"
            "from cifar10_tf.system import process_clock;"
            "print(process_clock.process_sec())"
        )
        start = time.time()
        out = subprocess.check_output([sys.executable, "-c", program])
        self.assertBetween(float(out), 0.5, time.time() - start + 0.02)

    def test_elsewhere_than_on_linux_it_is_about_the_same(self):
        expected = process_clock.process_sec()
        with mock.patch("pathlib.Path.read_text", side_effect=OSError):
            found = process_clock.process_sec()
        self.assertAlmostEqual(found, expected, delta=2)


if __name__ == "__main__":
    absltest.main()

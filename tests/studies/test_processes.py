import os
import signal
import subprocess
import sys
from unittest import mock

import psutil
import pytest
from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.studies import processes
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError

_CONFIG = make_config(model="speedrun_s", epochs=1, seed=4, run_dir="a run")


class TrainTest(parameterized.TestCase):
    def _train(self, status=0, flags=()):
        """Returns the command of a run whose process has such an end."""
        with mock.patch.object(processes, "_call", return_value=status) as call:
            processes.train(_CONFIG, flags)
        return call.call_args.args[0]

    def test_the_command_is_ones_own_with_all_settings(self):
        command = self._train(flags=["--debug=True"])
        self.assertEqual(
            command,
            [sys.executable, "-m", "cifar10_tf.main", "train"]
            + [*_CONFIG.to_flags(), "--debug=True", "--max_minutes=0"],
        )

    def test_the_time_that_is_left_is_the_runs(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(1e6)
        flag, _, minutes = self._train()[-1].partition("=")
        self.assertEqual(flag, "--max_minutes")
        self.assertBetween(float(minutes), 1, 1e6)

    def test_without_time_left_it_does_not_begin(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(1e-9)
        with self.assertRaises(interruption.Interrupted) as caught:
            self._train()
        self.assertEqual(caught.exception.status, 75)

    @parameterized.parameters(
        (75, "--max_minutes"), (130, "SIGINT"), (143, "SIGTERM")
    )
    def test_what_interrupts_it_interrupts_this(self, status, reason):
        with self.assertRaisesRegex(interruption.Interrupted, reason) as caught:
            self._train(status)
        self.assertEqual(caught.exception.status, status)

    @parameterized.parameters(
        (1, "status 1,"), (7, "status 7,"), (-9, r"signal 9 \(SIGKILL\)")
    )
    def test_a_failure_is_an_error(self, status, message):
        with self.assertRaisesRegex(UserError, f"seed 4 ended with {message}"):
            self._train(status)


_CALL = """
import sys
from cifar10_tf.studies import processes
from cifar10_tf.system import interruption
interruption.install()
try:
    processes._call([sys.executable, "-c", sys.argv[1]])
except interruption.Interrupted as stop:
    sys.exit(stop.status)
"""

_SLEEP = """
import os, time
from cifar10_tf.system import interruption
interruption.install()
try:
    print(os.getpid(), flush=True)
    time.sleep(300)
except interruption.Interrupted:
    interruption.hold()  # as `main` does: it would be called again
    time.sleep(0.2)  # saves what it has
    print("ended well", flush=True)
"""


@pytest.mark.signals
class SignalTest(absltest.TestCase):
    def _end(self, send, number):
        """Sends a signal; checks that the run, and then the study, ends."""
        with subprocess.Popen(
            [sys.executable, "-c", _CALL, _SLEEP],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as process:
            run = psutil.Process(int(process.stdout.readline()))
            send(process.pid, number)
            process.wait()
            self.assertFalse(run.is_running())
            self.assertEqual(process.stdout.read(), "ended well\n")
            self.assertEqual(process.returncode, 128 + number)

    def test_ctrl_c_reaches_both(self):
        self._end(os.killpg, signal.SIGINT)

    def test_signals_are_passed_on(self):
        for number in signal.SIGINT, signal.SIGTERM:
            self._end(os.kill, number)


if __name__ == "__main__":
    absltest.main()

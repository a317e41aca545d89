import signal
import subprocess
import sys
import threading
import time

import pytest
from absl.testing import absltest

from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError

_PROGRAM = """
import signal, sys, time
from cifar10_tf.system import interruption
interruption.limit_sec = float(sys.argv[1])
interruption.install()
def ready(): print("ready", flush=True)
try:
    exec(sys.argv[2])
except interruption.Interrupted as stop:
    print(stop, flush=True)
    sys.exit(stop.status)
"""


@pytest.mark.signals
class SignalTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self._hang_up(signal.SIG_DFL)  # these tests may run under nohup

    def _hang_up(self, action):
        """Sets what a process that is begun does at SIGHUP."""
        before = signal.signal(signal.SIGHUP, action)
        self.addCleanup(signal.signal, signal.SIGHUP, before)

    def _run(self, code, *numbers, limit_sec=60):
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(limit_sec), code],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            process.stdout.readline()
            for number in numbers:
                process.send_signal(number)
                time.sleep(0.3)  # two at once may become one
            return process.wait(), process.stdout.read()

    def test_at_once(self):
        for number, status in (
            (signal.SIGINT, 130),
            (signal.SIGTERM, 143),
            (signal.SIGHUP, 129),
            (signal.SIGUSR1, 138),
            (signal.SIGUSR2, 140),
        ):
            self.assertEqual(
                self._run("ready(); time.sleep(99)", number),
                (status, f"{number.name}\n"),
            )

    def test_what_nohup_has_ignored_stays_ignored(self):
        code = "ready(); time.sleep(1); print('still here')"
        self._hang_up(signal.SIG_IGN)
        self.assertEqual(self._run(code, signal.SIGHUP), (0, "still here\n"))

    def test_held_signals_wait_for_the_end_of_the_step(self):
        step = "interruption.hold(); ready(); time.sleep(1); print('step'); "
        for end in "interruption.release()", "raise interruption.due()":
            self.assertEqual(
                self._run(step + end, signal.SIGTERM),
                (143, "step\nSIGTERM\n"),
            )

    def test_a_second_interrupt_kills(self):
        code = "interruption.hold(); ready(); time.sleep(99)"
        self.assertEqual(
            self._run(code, signal.SIGINT, signal.SIGINT, limit_sec=600),
            (130, "killed by SIGINT\n"),
        )

    def test_a_second_request_to_terminate_does_not(self):
        code = "interruption.hold(); ready(); time.sleep(1); "
        code += "interruption.release()"
        self.assertEqual(
            self._run(code, signal.SIGTERM, signal.SIGTERM),
            (143, "SIGTERM\n"),
        )

    def test_what_has_just_been_raised_is_not_raised_again(self):
        code = """
interruption.hold()
ready()
time.sleep(0.2)
try:
    interruption.release()
finally:
    signal.raise_signal(signal.SIGURG)
    print("cleaned up")
"""
        self.assertEqual(
            self._run(code, signal.SIGTERM), (143, "cleaned up\nSIGTERM\n")
        )

    def test_what_it_raises_does_not_get_lost(self):
        code = """
class Thing:
    def __del__(self):
        ready()
        time.sleep(2)  # what is raised here is ignored
Thing()
time.sleep(99)
"""
        self.assertEqual(self._run(code, signal.SIGTERM), (143, "SIGTERM\n"))

    def test_nobody_needs_to_read_what_it_says(self):
        code = "interruption.hold(); ready(); time.sleep(99)"
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "0.5", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            process.stdout.readline()
            process.stderr.close()
            process.terminate()
            self.assertEqual(process.wait(30), 143)

    def test_other_signals_are_others_business(self):
        code = "signal.signal(signal.SIGWINCH, lambda *_: None); "
        code += "interruption.hold(); ready(); time.sleep(1); ready(); "
        code += "time.sleep(99)"
        self.assertEqual(
            self._run(code, signal.SIGWINCH, signal.SIGTERM, limit_sec=1.5),
            (143, "ready\nkilled by SIGTERM\n"),
        )

    def test_what_does_not_end_is_ended(self):
        code = "interruption.hold(); ready(); time.sleep(99)"
        self.assertEqual(
            self._run(code, signal.SIGTERM, limit_sec=0.5),
            (143, "killed by SIGTERM\n"),
        )


@pytest.mark.signals
class SavingFirstTest(absltest.TestCase):
    """In this process, which is not one that `install` was called in."""

    def test_what_a_signal_has_become_in_native_code(self):
        for error, expected in (
            (RuntimeError("callback failed"), KeyboardInterrupt),
            (UserError("no room"), UserError),
        ):
            with self.assertRaises(expected), interruption.saving_first():
                interruption.hold()
                signal.raise_signal(signal.SIGINT)
                raise error
            self.assertIsNone(interruption.due())

    def test_an_error_of_no_signals_is_as_it_was(self):
        with self.assertRaises(RuntimeError), interruption.saving_first():
            raise RuntimeError

    def test_another_thread_leaves_the_main_ones_signals_alone(self):
        def other_training():
            with interruption.saving_first():
                pass

        with self.assertRaises(KeyboardInterrupt), interruption.saving_first():
            interruption.hold()
            signal.raise_signal(signal.SIGINT)
            thread = threading.Thread(target=other_training)
            thread.start()
            thread.join()
            interruption.release()

    def test_one_that_ended_elsewhere_holds_nothing_back(self):
        interruption.hold()
        with self.assertRaises(KeyboardInterrupt), interruption.saving_first():
            signal.raise_signal(signal.SIGINT)


class KeepingHandlersTest(absltest.TestCase):
    def test_what_a_library_takes_is_given_back(self):
        before = signal.getsignal(signal.SIGTERM)
        with interruption.keeping_handlers():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.assertIs(signal.getsignal(signal.SIGTERM), before)


class MaxMinutesTest(absltest.TestCase):
    def test_counts_from_the_start_of_the_process(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(0)
        self.assertIsNone(interruption.due())
        self.assertIsNone(interruption.minutes_left())
        interruption.set_max_minutes(1e6)
        self.assertIsNone(interruption.due())
        self.assertBetween(interruption.minutes_left(), 1, 1e6)
        interruption.set_max_minutes(1e-9)
        self.assertEqual(interruption.due().status, 75)


if __name__ == "__main__":
    absltest.main()

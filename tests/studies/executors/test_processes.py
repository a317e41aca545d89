import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import unittest
from unittest import mock

import psutil
import pytest
from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.executors import processes, run_process
from cifar10_tf.studies.executors.executor import Job, check_status
from cifar10_tf.studies.executors.processes import Processes
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError

_JOB = Job(
    make_config(model="speedrun_s", epochs=1, seed=4, run_dir="a run"),
    run_flags=["--debug=True"],
)


class RunTest(parameterized.TestCase):
    def _run(self, job=_JOB, program="0"):
        """Returns the status of a job whose process is such a program's."""
        with mock.patch.object(
            run_process, "PROGRAM", [sys.executable, "-c", program]
        ):
            ((made, status),) = Processes().run([job])
        self.assertIs(made, job)
        return status

    def _command(self):
        """Returns the command of a job, and how it is started."""
        with mock.patch.object(subprocess, "Popen") as start:
            start.return_value.wait.return_value = 0
            list(Processes().run([_JOB]))
        return start.call_args.args[0]

    def test_the_command_is_ones_own_with_all_settings(self):
        self.assertEqual(
            self._command(),
            [sys.executable, "-m", "cifar10_tf.main", "train"]
            + [*_JOB.config.to_flags(), "--debug=True", "--max_minutes=0"],
        )

    def test_the_time_that_is_left_is_the_runs(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(1e6)
        flag, _, minutes = self._command()[-1].partition("=")
        self.assertEqual(flag, "--max_minutes")
        self.assertBetween(float(minutes), 1, 1e6)

    def test_without_time_left_it_does_not_begin(self):
        self.addCleanup(interruption.set_max_minutes, 0)
        interruption.set_max_minutes(1e-9)
        with self.assertRaises(interruption.Interrupted) as caught:
            self._run()
        self.assertEqual(caught.exception.status, 75)

    def test_statuses(self):
        self.assertEqual(self._run(program="raise SystemExit(7)"), 7)
        kill = "import os; os.kill(os.getpid(), 9)"
        self.assertEqual(self._run(program=kill), -9)

    def test_what_is_hopeless_is_asked_to_end(self):
        questions = iter([False, True])
        job = dataclasses.replace(_JOB, is_hopeless=lambda: next(questions))
        with mock.patch.object(processes, "_POLL_SEC", 0.01):
            status = self._run(job, "import time; time.sleep(300)")
        self.assertEqual(status, -signal.SIGTERM)

    def test_what_it_says_is_appended_to_a_log(self):
        log = pathlib.Path(self.create_tempdir().full_path) / "trial/run.log"
        job = dataclasses.replace(_JOB, log=str(log))
        for _ in range(2):
            program = "import sys; print('here', file=sys.stderr); print('hi')"
            self._run(job, program)
        self.assertCountEqual(log.read_text().split(), ["here", "hi"] * 2)

    def test_the_next_job_may_depend_on_what_became_of_the_last(self):
        seen = []

        def jobs():
            while len(seen) < 3:
                yield _JOB

        program = [sys.executable, "-c", "0"]
        with mock.patch.object(run_process, "PROGRAM", program):
            for _, status in Processes().run(jobs()):
                seen.append(status)
        self.assertEqual(seen, [0, 0, 0])


class CheckStatusTest(parameterized.TestCase):
    @parameterized.parameters(
        (75, "--max_minutes"), (130, "SIGINT"), (143, "SIGTERM")
    )
    def test_what_interrupts_it_interrupts_this(self, status, reason):
        with self.assertRaisesRegex(interruption.Interrupted, reason) as caught:
            check_status(_JOB, status)
        self.assertEqual(caught.exception.status, status)

    @parameterized.parameters(
        (1, "status 1,"), (7, "status 7,"), (-9, r"signal 9 \(SIGKILL\)")
    )
    def test_a_failure_is_an_error(self, status, message):
        with self.assertRaisesRegex(UserError, f"a run ended with {message}"):
            check_status(_JOB, status)
        check_status(_JOB, 0)


_RUN = """
import sys
from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.executors import run_process
from cifar10_tf.studies.executors.executor import Job
from cifar10_tf.studies.executors.processes import Processes
from cifar10_tf.system import interruption
interruption.install()
run_process.PROGRAM = [sys.executable, "-c", sys.argv[1]]
try:
    list(Processes().run([Job(make_config())]))
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
            [sys.executable, "-c", _RUN, _SLEEP],
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

    @unittest.skipUnless(sys.platform == "linux", "asks Linux for it")
    def test_a_run_dies_with_a_study_that_is_killed(self):
        with subprocess.Popen(
            [sys.executable, "-c", _RUN, _SLEEP],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            run = psutil.Process(int(process.stdout.readline()))
            process.kill()
            run.wait(60)


if __name__ == "__main__":
    absltest.main()

import contextlib
import io
import itertools
import json
import signal
from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.studies.executors import workers
from cifar10_tf.studies.executors.executor import Job
from cifar10_tf.studies.executors.worker_process import Look
from cifar10_tf.studies.executors.workers import WorkerLostError
from cifar10_tf.system import interruption

_JOB = Job(make_config(run_dir="a run"), ["--debug=True"])

_LOST = "lost"
_TERMINATED = "terminated"


class _FakeWorker:
    """Does what a list of statuses says, a look each.

    None: it runs on; _LOST: its machine is gone; _TERMINATED: it runs on until
    it is asked to end.
    """

    def __init__(self, index, looks):
        self.index, self.started, self.is_terminated = index, None, False
        self._looks = itertools.chain(looks, itertools.repeat(None))

    def address(self):
        return f"host{self.index}:{20000 + self.index}"

    def start(self, arguments, **others):
        self.started = (arguments, others)

    def look(self, wait_sec):
        status = next(self._looks)
        if status == _LOST:
            raise WorkerLostError(self.index)
        if status == _TERMINATED:
            self._looks = itertools.chain([_TERMINATED], self._looks)
            status = 143 if self.is_terminated else None
        said = b"" if status is None else b"%d says %d\n" % (self.index, status)
        return Look(said, b"", status)

    def terminate(self):
        self.is_terminated = True


class TrainTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.attempts = []
        self.enter_context(mock.patch.object(interruption, "limit_sec", 0))

    def _train(self, *attempts):
        """Returns a training's status and what is shown.

        Args:
            attempts: of each the looks of each worker; the last one repeats.
        """
        attempts = itertools.chain(attempts, itertools.repeat(attempts[-1]))

        @contextlib.contextmanager
        def placed():
            looks = next(attempts)
            self.attempts.append(list(map(_FakeWorker, range(9), looks)))
            yield self.attempts[-1]

        shown = [io.TextIOWrapper(io.BytesIO()) for _ in range(2)]
        with (
            contextlib.redirect_stdout(shown[0]),
            contextlib.redirect_stderr(shown[1]),
        ):
            status = workers.train(_JOB, placed)
        return status, *(s.buffer.getvalue().decode() for s in shown)

    def test_each_is_told_where_all_are(self):
        self.assertEqual(self._train([[0], [0]]), (0, "0 says 0\n", ""))
        ((first, second),) = self.attempts
        arguments, others = second.started
        self.assertEqual(
            json.loads(others["tf_config"]),
            {
                "cluster": {"worker": ["host0:20000", "host1:20001"]},
                "task": {"type": "worker", "index": 1},
            },
        )
        self.assertEqual(
            arguments, ["-m", "cifar10_tf.main", *_JOB.arguments(0)]
        )
        self.assertFalse(others["is_chief"])
        self.assertTrue(first.started[1]["is_chief"])

    def test_the_time_that_is_left_is_the_workers(self):
        with mock.patch.object(interruption, "minutes_left", return_value=-1):
            self._train([[75], [75]])
        (_, (arguments, _)) = (w.started for w in self.attempts[0])
        self.assertEqual(arguments[-1], "--max_minutes=1e-06")

    @parameterized.parameters(-9, 137, 138, 143, _LOST)
    def test_all_are_started_again(self, status):
        ended, shown, said = self._train(
            [[None, None, 138], [None, status]], [[0], [0]]
        )
        self.assertEqual((ended, len(self.attempts)), (0, 2))
        self.assertEqual(shown, "0 says 138\n0 says 0\n")
        self.assertIn("worker 1 ended with ", said)
        self.assertIn("(1 of at most 20 times)", said)

    @parameterized.parameters(1, 2, 75)
    def test_a_mistake_or_the_end_of_the_time_is_the_end(self, status):
        ended, _, said = self._train([[None, None, 138], [status]])
        self.assertEqual((ended, len(self.attempts)), (status, 1))
        # What the first worker does not say itself.
        self.assertEqual(said, f"1 says {status}\n")

    def test_a_mistake_of_all_is_said_once(self):
        self.assertEqual(self._train([[None, 1], [1]]), (1, "0 says 1\n", ""))

    def test_no_more_than_so_often(self):
        ended, _, _ = self._train([[None, 138], [-9]])
        self.assertEqual((ended, len(self.attempts)), (137, 21))

    def test_who_never_ends_is_not_waited_for(self):
        with mock.patch.object(workers, "_END_SEC", 0):
            ended, _, _ = self._train([[], [-9]], [[0], [0]])
        self.assertEqual((ended, len(self.attempts)), (0, 2))

    def test_a_machine_that_is_gone_before_the_start(self):
        lost = WorkerLostError(1)
        with mock.patch.object(
            _FakeWorker, "start", side_effect=[None, lost, None, None]
        ):
            ended, _, said = self._train([[], []], [[0], [0]])
        self.assertEqual((ended, len(self.attempts)), (0, 2))
        self.assertIn("worker 1 ended with signal 9", said)

    @parameterized.parameters(signal.SIGINT, signal.SIGTERM)
    def test_a_signal_is_passed_on_and_the_end(self, number):
        with mock.patch.object(interruption, "_received", number):
            ended, _, said = self._train([[_TERMINATED], [_TERMINATED]])
        self.assertEqual((ended, len(self.attempts)), (128 + number, 1))
        self.assertEqual(said, "")

    def test_after_a_signal_nobody_is_waited_for_for_ever(self):
        with (
            mock.patch.object(interruption, "_received", signal.SIGTERM),
            mock.patch.object(workers, "_SAVE_SEC", 0),
        ):
            self.assertEqual(self._train([[], []])[0], 143)

    def test_a_signal_at_the_end_leaves_what_is_done_done(self):
        with mock.patch.object(interruption, "_received", signal.SIGTERM):
            self.assertEqual(self._train([[0], [0]])[0], 0)


if __name__ == "__main__":
    absltest.main()

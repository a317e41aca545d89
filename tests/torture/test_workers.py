"""A training of two workers, one of which is terminated."""

import pathlib
import random
import tempfile

import pytest
from absl.testing import absltest

from cifar10_tf.runs import checkpoint
from tests.torture.bench import CASES, Bench, wait_for_checkpoint

_FLAGS = (*CASES["dropout, float32"], "--epochs=2")


@pytest.mark.slow
@pytest.mark.signals
class WorkersTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        path = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))
        # They begin with nothing: gRPC does not survive a fork.
        self.bench = Bench(path, random.Random(1))

    def test_a_signal_to_one_ends_both_after_the_same_step(self):
        run_dir = self.bench.path / "together"
        first, second = self.bench.start_workers(_FLAGS, run_dir)
        wait_for_checkpoint(first, run_dir)
        second.terminate()
        messages = [worker.communicate()[1] for worker in (first, second)]
        self.assertEqual(
            [first.returncode, second.returncode], [143, 143], messages
        )
        self.assertIn("SIGTERM of another worker", messages[0])
        saved = checkpoint.newest(run_dir / "checkpoints")
        for message in messages:
            self.assertIn(f"after step {saved.step:,} of", message)


if __name__ == "__main__":
    absltest.main()

"""A training of two workers, one of which is terminated."""

import pathlib
import random
import tempfile

import pytest
from absl.testing import absltest

from cifar10_tf.runs.run_directory import RunDirectory
from tests import launcher
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

    def test_a_terminated_one_ends_both_and_they_go_on(self):
        run_dir = self.bench.path / "together"
        first, second = self.bench.start_workers(_FLAGS, run_dir)
        wait_for_checkpoint(first, run_dir)
        second.terminate()
        messages = [worker.communicate()[1] for worker in (first, second)]
        self.assertEqual(
            [first.returncode, second.returncode], [143, 143], messages
        )
        self.assertIn("SIGTERM of another worker", messages[0])

        workers = self.bench.start_workers(_FLAGS, run_dir)
        texts = [worker.communicate() for worker in workers]
        self.assertIn("Resuming", texts[0][1])
        self.assertIn("test accuracy", texts[0][0])
        self.assertEqual(texts[1][0], "")
        # Two devices of one process have the same two parts.
        self.bench._start = launcher.heavy().start
        alone = self.bench.path / "alone"
        self.bench.finish((*_FLAGS, "--devices=2"), alone)
        for one, other in zip(_losses(run_dir), _losses(alone), strict=True):
            self.assertAlmostEqual(one, other, places=4)


def _losses(run_dir):
    return [line["loss"] for line in RunDirectory(run_dir).read_metrics()]


if __name__ == "__main__":
    absltest.main()

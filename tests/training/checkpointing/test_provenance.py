import json
import pathlib

import keras
from absl.testing import absltest

from cifar10_tf.runs.checkpoint import Checkpoint
from cifar10_tf.system import interruption
from cifar10_tf.training.checkpointing.provenance import Provenance
from tests.training.checkpointing.small_run import SmallRun, stop_after


class CheckTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(2)]
        )
        self.model.compile("sgd", "mse")
        self.of_run = {"settings": {"seed": 1}, "data": (1, 2)}
        self.environment = {"keras": "3", "gpus": ({"capability": (7, 5)},)}

    def _check(self, provenance=None, model=None, **changes):
        """Checks a checkpoint of this very run, with changes of its record."""
        made = Provenance(self.of_run, self.environment)
        # A file has lists for tuples.
        record = json.loads(json.dumps(made.record(self.model))) | changes
        (provenance or made).check(
            Checkpoint(1, [], record), model or self.model
        )

    def test_this_very_run(self):
        with self.assertNoLogs("cifar10_tf"):
            self._check()

    def test_another_run_is_named(self):
        other = Provenance(self.of_run | {"data": (1, 3)}, self.environment)
        with self.assertRaisesRegex(ValueError, "other data"):
            self._check(other)
        with self.assertRaisesRegex(ValueError, "other settings"):
            self._check(settings={"seed": 2})

    def test_another_network(self):
        layers = [keras.Input((4,)), keras.layers.Dense(2)]
        other = keras.Sequential(layers)
        other.compile("sgd", "mse")
        with self.assertRaisesRegex(ValueError, "other variables"):
            self._check(model=other)

    def test_a_record_that_lacks_something(self):
        made = Provenance(self.of_run, self.environment)
        record = made.record(self.model)
        for name in record:
            less = {key: v for key, v in record.items() if key != name}
            saved = Checkpoint(1, [], json.loads(json.dumps(less)))
            expected = (KeyError, name)
            if name == "format":
                expected = (ValueError, "another version of cifar10_tf")
            with self.assertRaisesRegex(*expected):
                made.check(saved, self.model)

    def test_another_environment_is_a_warning(self):
        other = Provenance(self.of_run, {"keras": "4", "cpu": "abacus"})
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            self._check(other)
        self.assertIn("may not end with the same bits", logs.output[0])
        self.assertIn("keras: 3 -> 4; cpu: None -> abacus", logs.output[0])

    def test_a_run_goes_on_with_other_versions(self):
        directory = pathlib.Path(self.create_tempdir().full_path)
        with stop_after(2), self.assertRaises(interruption.Interrupted):
            SmallRun(directory).fit()
        with self.assertLogs("cifar10_tf", "WARNING") as logs:
            run = SmallRun(directory, environment={"keras": "4"}).fit()
        self.assertIn("keras: 3 -> 4", logs.output[0])
        self.assertEqual(run.first_step, 2)


if __name__ == "__main__":
    absltest.main()

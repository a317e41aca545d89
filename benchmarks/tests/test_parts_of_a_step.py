import tensorflow as tf
from absl.testing import absltest
from harness import parts_of_a_step

from cifar10_tf.settings.config import make_config
from cifar10_tf.training.distribution.devices import Devices


class WorkerTest(absltest.TestCase):
    def test_every_part_takes_time(self):
        devices = Devices(tf.distribute.MirroredStrategy(["CPU:0"]))
        config = make_config(model="baseline", batch_size=2)
        worker = parts_of_a_step.Worker(config, devices, interface="lo")
        sent = iter([1000, 1700])
        worker._sent_bytes = lambda: next(sent)
        found = worker.round()
        self.assertEqual(found.pop("sent_bytes"), 700)
        self.assertLen(found, 4)
        for name, ms in found.items():
            self.assertGreater(ms, 0, name)

    def test_the_interface_is_there(self):
        worker = object.__new__(parts_of_a_step.Worker)
        worker._interface = "lo"
        self.assertGreaterEqual(worker._sent_bytes(), 0)


if __name__ == "__main__":
    absltest.main()

import contextlib
from unittest import mock

import tensorflow as tf
from absl.testing import absltest

from cifar10_tf.pipeline.parts import Parts
from cifar10_tf.system.cluster import Cluster
from cifar10_tf.system.cluster.peers import Peers
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.distribution import devices


class _Strategy:
    """Takes the place of one that has devices."""

    def __init__(self, num):
        self.num_replicas_in_sync = num


class ChooseTest(absltest.TestCase):
    def _choose(self, wanted, gpus=(), cluster=None):
        """Returns the devices, and what TensorFlow was told."""
        made = mock.Mock()
        made.mirrored.side_effect = lambda names: _Strategy(len(names))
        made.workers.side_effect = lambda _: _Strategy(
            cluster.size * max(len(gpus), 1)
        )
        visible = {"GPU": list(gpus), "CPU": ["cpu"]}
        with (
            mock.patch.object(tf.config, "get_visible_devices", visible.get),
            mock.patch.object(tf.config, "set_visible_devices", made.visible),
            mock.patch.object(
                tf.config, "set_logical_device_configuration", made.logical
            ),
            mock.patch.object(Peers, "meet"),
            mock.patch.object(Peers, "connecting", contextlib.nullcontext),
            mock.patch.object(tf.distribute, "MirroredStrategy", made.mirrored),
            mock.patch.object(
                tf.distribute, "MultiWorkerMirroredStrategy", made.workers
            ),
        ):
            peers = Peers(cluster) if cluster else None
            return devices.choose(wanted, peers), made

    def test_one_is_as_without(self):
        for wanted in "auto", "1":
            chosen, made = self._choose(wanted)
            self.assertIsNone(chosen.parts)
            self.assertEqual(chosen.num, 1)
            self.assertEqual(made.mock_calls, [])
        chosen, made = self._choose("1", gpus=["a", "b"])
        self.assertIsNone(chosen.parts)
        made.visible.assert_called_once_with(["a"], "GPU")

    def test_all_gpus_or_some(self):
        for wanted, num in ("auto", 3), ("2", 2):
            chosen, made = self._choose(wanted, gpus=["a", "b", "c"])
            self.assertEqual(chosen.parts, Parts(0, num, num))
            made.mirrored.assert_called_once_with(
                [f"GPU:{i}" for i in range(num)]
            )

    def test_parts_of_a_cpu(self):
        chosen, made = self._choose("4")
        self.assertEqual(chosen.parts, Parts(0, 4, 4))
        _, configurations = made.logical.call_args.args
        self.assertLen(configurations, 4)

    def test_workers_have_parts_in_their_order(self):
        cluster = Cluster(("a:1", "b:1", "c:1"), 2)
        chosen, _ = self._choose("auto", cluster=cluster)
        self.assertEqual(chosen.parts, Parts(2, 1, 3))
        chosen, _ = self._choose("auto", gpus=["a", "b"], cluster=cluster)
        self.assertEqual(chosen.parts, Parts(4, 2, 6))
        self.assertFalse(chosen.workers.is_chief)

    def test_more_than_there_are_is_an_error(self):
        with self.assertRaisesRegex(UserError, "there are 2 GPUs here"):
            self._choose("3", gpus=["a", "b"])
        with self.assertRaisesRegex(UserError, "needs GPUs"):
            self._choose("2", cluster=Cluster(("a:1", "b:1"), 0))

    def test_says_what_it_would_choose(self):
        self.assertIn("the CPU", devices.describe_auto(None))
        cluster = Cluster(("a:1", "b:1"), 1)
        with mock.patch.object(
            tf.config, "get_visible_devices", lambda kind: ["a", "b"]
        ):
            text = devices.describe_auto(cluster)
        self.assertIn("2 GPUs", text)
        self.assertIn("worker 1 of 2", text)

    def test_too_late_is_an_error(self):
        with (
            mock.patch.object(
                tf.config,
                "set_logical_device_configuration",
                side_effect=RuntimeError("initialized"),
            ),
            self.assertRaisesRegex(UserError, "before TensorFlow is used"),
        ):
            devices.choose("2", None)


if __name__ == "__main__":
    absltest.main()

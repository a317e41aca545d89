import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
from absl.testing import absltest
from harness.accuracy_runs import read_run
from harness.clone import BENCHMARKS

from tests import fakes

# Of the peer, whose slow weights follow the others every fifth step only.
_THREE_STEPS = """
import numpy as np
import torch
from peers import torch_speedrun as peer
rng = np.random.default_rng(1)
images = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
batches = peer.Batches(images, rng.integers(0, 10, 40), 8)
network = peer.Network(torch.rand(40, 3, 32, 32), [4, 4, 4])
before = [value.clone() for value in peer._averaged(network)]
list(peer.train_epochs(network, batches, num_steps=3))
print(all(map(torch.equal, before, peer._averaged(network))))
"""


class TorchSpeedrunTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        if not importlib.util.find_spec("torch"):
            self.skipTest("torch is not installed")
        self._peer = importlib.import_module("peers.torch_speedrun")
        self._torch = importlib.import_module("torch")
        self._torch.set_num_threads(1)  # more wait for each other
        self._torch.manual_seed(1)

    def _images(self, num_images):
        images = self._torch.from_numpy(fakes.random_arrays(num_images)[0])
        return self._peer._normalised(images.permute(0, 3, 1, 2))

    def test_is_the_published_network(self):
        images = self._images(200)
        network = self._peer.Network(images, [64, 256, 256])
        scales = 2 * (64 + 256 + 256)  # fixed at 1
        self.assertEqual(
            sum(p.numel() for p in network.parameters()) - scales, 1_971_640
        )
        whitening = network.whitening
        whitened = self._torch.conv2d(images, whitening.weight[:12])
        patches = whitened.transpose(0, 1).flatten(1)
        np.testing.assert_allclose(
            patches @ patches.T / patches.shape[1], np.eye(12), atol=0.01
        )
        shape = network.groups(whitening(images[:2])).shape
        self.assertEqual(shape, (2, 256, 3, 3))
        # The identity, where a convolution keeps what comes in.
        x = self._torch.rand(1, 24, 5, 5)
        np.testing.assert_allclose(
            network.groups[0][0](x)[:, :24].detach(), x, atol=1e-6
        )

    def test_other_half_is_mirrored_in_every_second_epoch(self):
        images = np.zeros((20, 8, 8, 3), np.uint8)
        images[..., 4:, :] = 255  # bright on the right
        batches = self._peer.Batches(images, np.arange(20), 8)
        self.assertLen(batches, 2)
        mirrored = {}
        for number in range(40):  # which leave out other examples each
            for x, y in batches.epoch(number):
                self.assertEqual(x.shape, (8, 3, 8, 8))
                self.assertLen(set(y.tolist()), 8)
                left = (x[:, 0, 0, 0] > x[:, 0, 0, -1]).tolist()
                for label, is_mirrored in zip(y.tolist(), left, strict=True):
                    mirrored.setdefault(label, set()).add(
                        is_mirrored ^ (number % 2 == 1)
                    )
        self.assertLen(mirrored, 20)
        firsts = [first for [first] in mirrored.values()]
        self.assertBetween(sum(firsts), 1, 19)

    def test_ends_with_the_slow_weights(self):
        # Making an optimizer crashes where TensorFlow is loaded.
        result = subprocess.run(
            [sys.executable, "-c", _THREE_STEPS],
            cwd=BENCHMARKS,
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.stdout, "True\n", result.stderr)

    def test_six_views_are_weighed(self):
        x = self._images(2)
        views = self._peer._six_views(x)
        weights = [weight for weight, _ in views]
        self.assertEqual(weights, 2 * [0.25, 0.125, 0.125])
        for (_, view), (_, mirror) in zip(views[:3], views[3:], strict=True):
            np.testing.assert_array_equal(view.flip(3), mirror)
        down_right, up_left = views[1][1], views[2][1]
        np.testing.assert_array_equal(down_right[..., 1:, 1:], x[..., :-1, :-1])
        np.testing.assert_array_equal(up_left[..., :-1, :-1], x[..., 1:, 1:])

    def test_leaves_a_run_directory(self):
        directory = pathlib.Path(self.create_tempdir().full_path)
        arrays = {}
        for split, num_images in (
            ("train", 48),
            ("validation", 0),
            ("test", 9),
        ):
            images, labels = fakes.random_arrays(num_images)
            arrays |= {f"{split}_images": images, f"{split}_labels": labels}
        np.savez(directory / "data.npz", **arrays)
        # Not in this process: PyTorch's optimizers crash beside TensorFlow.
        subprocess.run(
            [
                *(sys.executable, self._peer.__file__),
                *(f"--data={directory}/data.npz", f"--run_dir={directory}"),
                *("--epochs=1.5", "--batch_size=24", "--widths=4,8,8"),
                *("--seed=5", "--num_threads=1"),
            ],
            check=True,
            capture_output=True,
        )
        run = read_run(directory)
        self.assertGreater(run.train_sec, 0)
        self.assertBetween(run.test_accuracy, 0, 1)
        self.assertBetween(run.test_accuracy_tta, 0, 1)
        self.assertIsNone(run.validation_accuracy)
        summary = json.loads((directory / "summary.json").read_text())
        self.assertEqual((summary["steps"], summary["seed"]), (3, 5))
        lines = (directory / "metrics.jsonl").read_text().splitlines()
        epochs = [json.loads(line)["epoch"] for line in lines]
        self.assertEqual(epochs, [1, 1.5])

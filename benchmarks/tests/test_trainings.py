import importlib
import itertools
import json

import numpy as np
from absl.testing import parameterized
from harness.accuracy_runs import read_run
from torch_cases import TorchTestCase, run_python

from tests import fakes

# Of torch_speedrun, whose slow weights follow the others every fifth step only.
_THREE_STEPS = """
import argparse
import numpy as np
from peers.trainings import torch_speedrun as peer
rng = np.random.default_rng(1)
images = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
arguments = argparse.Namespace(widths=[4, 4, 4], batch_size=8, epochs=0.6)
training = peer.make_training(images, rng.integers(0, 10, 40), arguments)
before = [value.clone() for value in peer._averaged(training.network)]
list(training.epochs())
after = peer._averaged(training.network)
print(all(a.equal(b) for a, b in zip(before, after, strict=True)))
"""

# Of torch_muon: what changes, by how much and for how long.
_FIVE_EPOCHS = """
import argparse, json
import numpy as np
from peers.trainings import torch_muon as peer
rng = np.random.default_rng(1)
images = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
arguments = argparse.Namespace(
    widths=[4, 4, 4], batch_size=20, epochs=5, activation="relu"
)
training = peer.make_training(images, rng.integers(0, 10, 40), arguments)
network = training.network
head = network.head.weight.std().item()
epochs = []
for _ in training.epochs():
    epochs.append(
        {
            "bias": network.whitening.bias.tolist(),
            "kernel": network.kernels()[0].norm().item(),
        }
    )
optimizers = peer._optimizers(network, 500)
rates = [o.param_groups[0]["lr"] for o in optimizers]
decays = [o.param_groups[0].get("weight_decay") for o in optimizers]
result = {"epochs": epochs, "rates": rates, "decays": decays, "head": head}
print(json.dumps(result))
"""


class PartsTest(TorchTestCase):
    def setUp(self):
        super().setUp()
        for name in "batches", "evaluation", "network":
            module = importlib.import_module(f"peers.trainings.{name}")
            setattr(self, f"_{name}", module)

    def _images(self, num_images):
        return self._batches.as_they_are(fakes.random_arrays(num_images)[0])

    def test_is_the_published_network(self):
        images = self._images(200)
        network = self._network.Network(
            self._network.whitening_layer(images),
            [64, 256, 256],
            lambda width: self._torch.nn.Linear(width, 10, bias=False),
        )
        scales = 2 * (64 + 256 + 256)  # fixed at 1
        self.assertEqual(
            sum(p.numel() for p in network.parameters()) - scales, 1_971_640
        )
        self.assertLen(network.kernels(), 6)
        self.assertLen(network.shifts(), 6)
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
        views = self._batches.Views(images, np.arange(20))
        batches = self._batches.Batches(views, 8)
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

    def test_epochs_have_their_subsets_and_smaller_last_batches(self):
        views = self._batches.Views(*fakes.random_arrays(10, num_classes=10))
        subsets = [self._torch.arange(start, start + 5) for start in (0, 3)]
        batches = self._batches.Batches(
            views, 2, subsets=subsets, drop_last=False
        )
        self.assertLen(batches, 3)
        for number, start in enumerate((0, 3, 0)):
            labels = [y.tolist() for _, y in batches.epoch(number)]
            self.assertEqual([len(y) for y in labels], [2, 2, 1])
            self.assertCountEqual(
                itertools.chain(*labels), range(start, start + 5)
            )

    def test_six_views_are_weighed(self):
        x = self._images(2)
        views = self._evaluation.six_views(x)
        weights = [weight for weight, _ in views]
        self.assertEqual(weights, 2 * [0.25, 0.125, 0.125])
        for (_, view), (_, mirror) in zip(views[:3], views[3:], strict=True):
            np.testing.assert_array_equal(view.flip(3), mirror)
        down_right, up_left = views[1][1], views[2][1]
        np.testing.assert_array_equal(down_right[..., 1:, 1:], x[..., :-1, :-1])
        np.testing.assert_array_equal(up_left[..., :-1, :-1], x[..., 1:, 1:])


class TrainingsTest(TorchTestCase):
    @parameterized.parameters(
        ("torch_speedrun", 3, [1, 1.5], ()),
        ("torch_muon", 3, [1, 1.5], ("--activation=relu",)),
        # 48 images, of which half are easy and come by thirds: 32 an epoch.
        ("torch_speedrun_m", 3, [1, 1.5], ()),
    )
    def test_leaves_a_run_directory(self, name, num_steps, epochs, flags):
        arrays = {}
        for split, num_images in (
            ("train", 48),
            ("validation", 0),
            ("test", 9),
        ):
            images, labels = fakes.random_arrays(num_images)
            arrays |= {f"{split}_images": images, f"{split}_labels": labels}
        directory = self._directory
        np.savez(directory / "data.npz", **arrays)
        run_python(
            *("-m", f"peers.trainings.{name}"),
            *(f"--data={directory}/data.npz", f"--run_dir={directory}"),
            *("--epochs=1.5", "--batch_size=24", "--widths=4,8,8"),
            *("--seed=5", "--num_threads=1", *flags),
        )
        run = read_run(directory)
        self.assertGreater(run.train_sec, 0)
        self.assertBetween(run.test_accuracy, 0, 1)
        self.assertBetween(run.test_accuracy_tta, 0, 1)
        self.assertIsNone(run.validation_accuracy)
        summary = json.loads((directory / "summary.json").read_text())
        self.assertEqual(
            [summary[key] for key in ("model", "steps", "seed")],
            [name, num_steps, 5],
        )
        lines = (directory / "metrics.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line)["epoch"] for line in lines], epochs)

    def test_torch_speedrun_ends_with_the_slow_weights(self):
        self.assertEqual(run_python("-c", _THREE_STEPS), "True\n")

    def test_torch_muon_trains_as_published(self):
        result = json.loads(run_python("-c", _FIVE_EPOCHS))
        first, second, third, *rest = result["epochs"]
        self.assertNotEqual(first["bias"], second["bias"])
        self.assertNotEqual(second["bias"], third["bias"])
        for epoch in rest:
            self.assertEqual(epoch["bias"], third["bias"])
        for epoch in result["epochs"]:
            # Of four outputs: 2, and what a step then adds.
            self.assertBetween(epoch["kernel"], 1.9, 2.1)
        self.assertAlmostEqual(result["head"], 1, places=5)
        self.assertSequenceAlmostEqual(
            result["rates"], [0.053, 0.053, 0.67, 0.12]
        )
        *decays, muons = result["decays"]
        for rate, decay in zip(result["rates"], decays, strict=False):
            self.assertAlmostEqual(rate * decay, 0.001)
        self.assertIsNone(muons)

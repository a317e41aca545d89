import importlib
import itertools
import json
import pathlib
import subprocess
import sys

import numpy as np
from absl.testing import parameterized
from harness.accuracy_runs import read_run
from harness.clone import REPOSITORY
from harness.fresh_process import finding_programs

from cifar10_tf.datasets.tfds import synthetic10
from cifar10_tf.models import speedrun
from cifar10_tf.models.layers import whitening
from cifar10_tf.models.loss_and_metrics import loss_and_metrics
from cifar10_tf.optimizers.by_name import make_optimizer
from cifar10_tf.optimizers.schedules import make_schedule
from cifar10_tf.settings.models import MODELS
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

# Of torch_speedrun_m, in float32: a few steps from the weights in a file.
_STEPS_FROM = """
import contextlib, sys
import numpy as np
import torch
torch.autocast = lambda *_, **__: contextlib.nullcontext()
from peers.trainings import batches, muon, torch_speedrun_m as peer
muon._DTYPE = torch.float32
torch.set_num_threads(1)
data = dict(np.load(sys.argv[1]))
images, labels = data.pop("images"), torch.from_numpy(data.pop("labels"))
network = peer.make_network(images, [4, 8, 8])
network.load_state_dict({k: torch.from_numpy(v) for k, v in data.items()},
                        strict=False)
views = batches.Views(images, labels.numpy())
eights = batches.Batches(views, 8)
training = peer._training(network, eights, peer.RECIPE, 8 / len(eights))
network.train()
x = batches.as_they_are(images)
for step in range(4):
    part = slice(8 * step, 8 * step + 8)
    training._train_step(x[part], labels[part], step)
np.savez(sys.argv[2], **{k: v for k, v in network.state_dict().items()})
"""


def _run(*arguments: str) -> str:
    """Runs Python and returns what it prints.

    Making an optimizer of PyTorch's crashes where TensorFlow is loaded.
    """
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=finding_programs(),
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise AssertionError(result.stderr)
    return result.stdout


class TorchTestCase(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        if not importlib.util.find_spec("torch"):
            self.skipTest("torch is not installed")
        self._torch = importlib.import_module("torch")
        self._torch.set_num_threads(1)  # more wait for each other
        self._torch.manual_seed(1)
        for name in "batches", "evaluation", "muon", "network":
            module = importlib.import_module(f"peers.trainings.{name}")
            setattr(self, f"_{name}", module)
        self._directory = pathlib.Path(self.create_tempdir().full_path)

    def _images(self, num_images):
        return self._batches.as_they_are(fakes.random_arrays(num_images)[0])


class PartsTest(TorchTestCase):
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
        _run(
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
        self.assertEqual(_run("-c", _THREE_STEPS), "True\n")

    def test_torch_muon_trains_as_published(self):
        result = json.loads(_run("-c", _FIVE_EPOCHS))
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


class SpeedrunMTest(TorchTestCase):
    def test_trains_as_speedrun_m_does(self):
        images, labels = fakes.random_arrays(32)
        model = speedrun._build("m", 10, widths=(4, 8, 8))
        whitening.adapt(model, images)
        recipe = MODELS["speedrun_m"].recipe
        rng = np.random.default_rng(0)
        for variable in model.trainable_variables[-2:]:  # the head starts at 0
            variable.assign(rng.normal(0, 0.1, variable.shape))
        before, after = (self._directory / f"{n}.npz" for n in "ab")
        state = _state_of(model)
        np.savez(before, images=images, labels=labels, **state)
        optimizer = make_optimizer(
            recipe["optimizer"],
            model.trainable_variables,
            learning_rate=make_schedule(
                recipe["schedule"], peak=recipe["learning_rate"], num_steps=8
            ),
        )
        model.compile(
            optimizer,
            **loss_and_metrics(recipe["label_smoothing"]),
            run_eagerly=True,
        )
        for step in range(4):
            part = slice(8 * step, 8 * step + 8)
            x = images[part] / np.float32(255)
            model.train_on_batch(x, np.eye(10)[labels[part]])
        _run("-c", _STEPS_FROM, str(before), str(after))
        found = np.load(after)
        for name, expected in _state_of(model).items():
            np.testing.assert_allclose(
                found[name], expected, rtol=1e-3, atol=1e-3, err_msg=name
            )
            if "whitening" not in name:
                difference = np.abs(expected - state[name]).max()
                self.assertGreater(difference, 0.01, name)

    def test_all_of_the_recipe_is_there(self):
        peer = importlib.import_module("peers.trainings.torch_speedrun_m")
        for recipe in peer.RECIPE, peer.PROXY_RECIPE:
            rest = dict(recipe)
            for name in ("epochs", "batch_size", "learning_rate"):
                del rest[name]
            rest.pop("easy_every", None)
            self.assertEqual(
                rest,
                {
                    "optimizer": "muon",
                    "schedule": "linear",
                    "label_smoothing": rest["label_smoothing"],
                    "augment": "alternating_flip,crop=2",
                    "validation_fraction": rest["validation_fraction"],
                },
            )

    @parameterized.parameters((2, 1), (3, 2))
    def test_whitens_as_speedrun_does(self, kernel_size, stride):
        images = synthetic10.draw(1, 50)[0]
        peer = importlib.import_module("peers.trainings.torch_speedrun_m")
        network = peer.make_network(images, [4, 8], kernel_size, stride)
        model = speedrun._build(
            "m", 10, widths=(4, 8), kernel_size=kernel_size, strides=stride
        )
        whitening.adapt(model, images)
        found = network.whitening.weight.permute(2, 3, 1, 0)[..., :12]
        # The largest component is last there; signs are arbitrary.
        np.testing.assert_allclose(
            found.flip(3).abs(),
            np.abs(model.get_layer("whiten").kernel[..., :12]),
            atol=1e-3,
        )

    def test_easy_images_take_turns(self):
        peer = importlib.import_module("peers.trainings.torch_speedrun_m")
        is_easy = np.arange(12) % 2 == 1
        epochs = peer.epoch_subsets(is_easy, 3)
        self.assertLen(epochs, 3)
        easy = [set(epoch.tolist()) - {0, 2, 4, 6, 8, 10} for epoch in epochs]
        self.assertEqual([len(epoch) for epoch in epochs], [8, 8, 8])
        self.assertCountEqual(itertools.chain(*easy), [1, 3, 5, 7, 9, 11])


def _state_of(model) -> dict[str, np.ndarray]:
    """Returns a Keras model's variables as `Network` names and orders them."""
    state, group = {}, 0
    convolutions = [la for la in model.layers if "conv2d" in la.name]
    norms = [la for la in model.layers if "normalization" in la.name]
    kernel = model.get_layer("whiten").kernel.numpy()
    state["whitening.weight"] = kernel.transpose(3, 2, 0, 1)
    for number, (conv, norm) in enumerate(
        zip(convolutions, norms, strict=True)
    ):
        group, is_second = divmod(number, 2)
        prefix = f"groups.{group}"
        kernel = conv.kernel.numpy()
        state[f"{prefix}.{4 * is_second}.weight"] = kernel.transpose(3, 2, 0, 1)
        prefix += f".{5 if is_second else 2}"
        state |= {
            f"{prefix}.bias": norm.beta.numpy(),
            f"{prefix}.running_mean": norm.moving_mean.numpy(),
            f"{prefix}.running_var": norm.moving_variance.numpy(),
        }
    head = model.get_layer("probabilities")
    state["head.weight"] = head.kernel.numpy().T
    state["head.bias"] = head.bias.numpy()
    return state

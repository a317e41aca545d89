import importlib
import itertools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from torch_cases import TorchTestCase, run_python

from cifar10_tf.datasets.tfds import synthetic10
from cifar10_tf.models import speedrun
from cifar10_tf.models.layers import whitening
from cifar10_tf.models.loss_and_metrics import loss_and_metrics
from cifar10_tf.optimizers.by_name import make_optimizer
from cifar10_tf.optimizers.schedules import make_schedule
from cifar10_tf.pipeline import pixels
from cifar10_tf.settings.models import MODELS
from tests import fakes

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
        run_python("-c", _STEPS_FROM, str(before), str(after))
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
            for name in "easy_every", "low_resolution":
                rest.pop(name, None)
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

    def test_scales_down_as_speedrun_m_does(self):
        images, labels = fakes.random_arrays(6)
        batches = importlib.import_module("peers.trainings.batches")
        views = batches.Views(images, labels)
        torch = batches.torch
        epochs = batches.Batches(views, 6, num_small=1)
        whole = batches.Batches(views, 6)
        for number, size in (0, 24), (1, 32):
            found, expected = (
                self._first_batch(torch, b, number) for b in (epochs, whole)
            )
            if size == 24:
                expected = pixels.scale_down(tf.constant(expected), size)
            np.testing.assert_allclose(found, expected, atol=1e-5)

    def _first_batch(self, torch, batches, epoch):
        torch.manual_seed(0)
        x, _ = next(batches.epoch(epoch))
        return x.permute(0, 2, 3, 1).numpy()

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
    convolutions = [la for la in model.layers if "conv" in la.name]
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

import functools
import pathlib

import keras
import numpy as np
import pytest
from absl.testing import absltest, parameterized

from cifar10_tf.models.building import build_model
from cifar10_tf.models.layers.plain_keras import in_plain_keras
from tests import fakes, launcher
from tests.models import families

_FAMILIES = families.smallest_of_each()

# In a process without this package, for all that is seen of it.
_LOAD_AND_COMPARE = """
import pathlib, sys, keras, numpy as np
for name in [name for name in sys.modules if name.startswith("cifar10_tf")]:
    del sys.modules[name]
keras.saving.get_custom_objects().clear()
for file in pathlib.Path(sys.argv[1]).glob("*.keras"):
    data = np.load(file.with_suffix(".npz"))
    model = keras.models.load_model(file)
    np.testing.assert_allclose(
        model(data["images"]), data["probabilities"], rtol=1e-5, atol=1e-6)
    print(file.stem)
assert "cifar10_tf" not in sys.modules
"""


_IMAGES = np.float32(fakes.random_arrays(4)[0] / 255)


@functools.cache
def _trained(name, policy):
    """Returns a model, as if it were trained, and what is plain Keras of it.

    Its statistics and weights are not the first.

    policy: the one that is set.
    """
    # Untrained statistics don't normalise: of some seeds the outputs are
    # 0 and 1, which bfloat16 may exchange.
    keras.utils.set_random_seed(0)
    model = build_model(name)
    model(_IMAGES, training=True)
    random = np.random.RandomState(0)
    weights = [
        w + random.uniform(0, 0.03, w.shape) for w in model.get_weights()
    ]
    model.set_weights(weights)
    return model, in_plain_keras(model)


class InPlainKerasTest(parameterized.TestCase):
    @parameterized.parameters(
        *((name, "float32") for name in _FAMILIES),
        ("speedrun_s", "mixed_bfloat16"),  # with every layer of ours
    )
    def test_computes_the_same_after_training(self, name, policy):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy(policy)
        model, plain = _trained(name, policy)
        self.assertEqual(plain.name, name)
        self.assertEqual(
            [(w.path, w.trainable) for w in plain.weights],
            [(w.path, w.trainable) for w in model.weights],
        )
        self.assertEqual(
            [layer.compute_dtype for layer in plain.layers],
            [layer.compute_dtype for layer in model.layers],
        )
        expected = model(_IMAGES)
        # Of bfloat16's eight bits the last may round differently.
        atol = 1e-5 if policy == "float32" else 0.05
        np.testing.assert_allclose(plain(_IMAGES), expected, atol=atol)
        self.assertGreater(np.ptp(expected), 0.01)
        for layer in plain.layers:
            self.assertStartsWith(type(layer).__module__, "keras.")

    def test_the_copy_has_weights_of_its_own(self):
        model = build_model("speedrun_s")
        plain = in_plain_keras(model)
        before = plain.get_weights()
        for weight in model.weights:
            weight.assign(weight + 1)
        for one, other in zip(before, plain.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_dropout_still_acts_in_training_only(self):
        images = np.ones((1, 32, 32, 3), np.float32)
        plain = in_plain_keras(build_model("dropout"))
        calm = [plain(images, training=False).numpy() for _ in range(2)]
        wild = [plain(images, training=True).numpy() for _ in range(2)]
        np.testing.assert_array_equal(*calm)
        self.assertFalse(np.array_equal(*wild))

    @pytest.mark.slow
    def test_plain_keras_loads_what_was_saved(self):
        directory = pathlib.Path(self.create_tempdir().full_path)
        for name in _FAMILIES:
            model, plain = _trained(name, "float32")
            plain.save(directory / f"{name}.keras")
            np.savez(
                directory / name, images=_IMAGES, probabilities=model(_IMAGES)
            )
        result = launcher.heavy().run(directory, program=_LOAD_AND_COMPARE)
        self.assertCountEqual(result.stdout.split(), _FAMILIES, result.stderr)


if __name__ == "__main__":
    absltest.main()

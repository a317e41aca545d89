import contextlib
import importlib
import io
import itertools

import numpy as np
import peers
from absl.testing import absltest, parameterized
from harness.subjects import is_installed

_PEERS = sorted(set(peers.SUBJECTS) - {"cifar10_tf", "memcpy"})


def _read(subject, images, labels, case, batch_size, num_batches):
    """Returns the first batches in the order [n, height, width, channels]."""
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        if not is_installed(subject, peers.SUBJECTS[subject]):
            raise absltest.SkipTest(stderr.getvalue())
    module = importlib.import_module(f"peers.{subject}")
    try:
        batches = iter(module.batches(images, labels, case, batch_size))
    except NotImplementedError as error:
        raise absltest.SkipTest(str(error)) from error
    found = []
    for x, y in itertools.islice(batches, num_batches):
        x, y = np.asarray(x).copy(), np.asarray(y)
        found.append((x if x.shape[3] == 3 else x.transpose(0, 2, 3, 1), y))
    return found


def _crops(image):
    padded = np.pad(image, [(4, 4), (4, 4), (0, 0)], "reflect")
    for top, left in itertools.product(range(9), range(9)):
        crop = padded[top : top + 32, left : left + 32]
        yield from (crop.tobytes(), crop[:, ::-1].tobytes())


class PeersTest(parameterized.TestCase):
    @parameterized.product(subject=sorted(peers.SUBJECTS), case=peers.CASES)
    def test_forms(self, subject, case):
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
        labels = rng.integers(0, 10, 50)
        for x, y in _read(subject, images, labels, case, 25, 4):
            self.assertEqual(x.shape, (25, 32, 32, 3))
            self.assertEqual(x.dtype, np.float32)
            self.assertBetween(x.min(), 0, 0.05)
            self.assertBetween(x.max(), 0.5, 1 + 1e-6)
            if y.ndim == 1:
                self.assertBetween(y.min(), 0, 9)
                self.assertBetween(y.max(), 0, 9)
            else:
                self.assertEqual(y.shape, (25, 10))
                np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-6)

    @parameterized.parameters(sorted(peers.SUBJECTS))
    def test_every_example_once_an_epoch(self, subject):
        labels = np.arange(70) % 10
        images = np.tile(
            np.arange(70, dtype=np.uint8)[:, None, None, None], (1, 32, 32, 3)
        )
        found = _read(subject, images, labels, "none", 32, 6)
        epochs = []
        for batches in (found[:3], found[3:]):
            x = np.concatenate([x for x, _ in batches])
            indices = np.rint(x[:, 0, 0, 0] * 255).astype(int)
            y = np.concatenate([y for _, y in batches])
            y = y if y.ndim == 1 else y.argmax(axis=1)
            np.testing.assert_array_equal(y, indices % 10)
            self.assertCountEqual(indices, range(70))
            epochs.append(indices.tolist())
        if subject != "memcpy":  # which alone does not shuffle
            self.assertNotEqual(*epochs)

    @parameterized.parameters(
        sorted(set(peers.SUBJECTS) - {"keras_layers", "memcpy"})
    )
    def test_crops_are_of_the_reflected_image_or_its_mirror(self, subject):
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
        possible = set(itertools.chain.from_iterable(map(_crops, images)))
        found = set()
        for x, _ in _read(subject, images, np.arange(3), "flip+crop", 3, 8):
            for image in np.rint(x * 255).astype(np.uint8):
                self.assertIn(image.tobytes(), possible)
                found.add(image.tobytes())
        self.assertGreater(len(found), 12)

    @parameterized.parameters(_PEERS)
    def test_cutout_is_a_square_of_8_pixels(self, subject):
        images = np.full((20, 32, 32, 3), 255, np.uint8)
        labels = np.arange(20) % 10
        [(x, _)] = _read(subject, images, labels, "flip+crop+cutout", 20, 1)
        hole = (x == 0).all(axis=3)
        np.testing.assert_array_equal(hole.any(axis=1).sum(axis=1), 8)
        np.testing.assert_array_equal(hole.any(axis=2).sum(axis=1), 8)
        np.testing.assert_allclose(x[~hole], 1)
        self.assertGreater(len(np.unique(hole, axis=0)), 1)

    @parameterized.parameters(_PEERS)
    def test_mixup_mixes_images_as_labels(self, subject):
        labels = np.arange(10)
        levels = (25 * labels).astype(np.uint8)
        images = np.tile(levels[:, None, None, None], (1, 32, 32, 3))
        largest = []
        # A weight that is drawn for a whole batch may be next to 1.
        for x, y in _read(subject, images, labels, "full", 10, 20):
            largest.append(y.max(axis=1).min())
            brightest = x.max(axis=(1, 2, 3))  # outside both holes
            np.testing.assert_allclose(brightest, y @ levels / 255, atol=1e-5)
        self.assertLess(min(largest), 0.999)

    # Keras mixes labels by a box that is not quite the one in the images.
    @parameterized.parameters(
        sorted({*_PEERS, "cifar10_tf"} - {"keras_layers"})
    )
    def test_cutmix_mixes_labels_by_the_area(self, subject):
        labels = np.arange(10)
        levels = (25 * labels).astype(np.uint8)
        images = np.tile(levels[:, None, None, None], (1, 32, 32, 3))
        for x, y in _read(subject, images, labels, "flip+crop+cutmix", 10, 4):
            mean = x.mean(axis=(1, 2, 3))
            np.testing.assert_allclose(mean, y @ levels / 255, atol=1e-4)
            for image in x:
                self.assertLessEqual(len(np.unique(image)), 2)

import contextlib
import importlib
import io
import itertools
import json
import os
import pathlib
import sys
import time
from unittest import mock

import numpy as np
import psutil
from absl.testing import absltest, parameterized

_BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(_BENCHMARKS))

import harness  # noqa: E402
import input_pipeline  # noqa: E402
import peers  # noqa: E402
import workers  # noqa: E402

_PEERS = sorted(set(peers.SUBJECTS) - {"cifar10_tf", "memcpy"})


def _read(subject, images, labels, case, batch_size, num_batches):
    """Returns the first batches in the order [n, height, width, channels]."""
    for package in peers.SUBJECTS[subject]:
        if not importlib.util.find_spec(package):
            raise absltest.SkipTest(f"{package} is not installed")
    module = importlib.import_module(f"peers.{subject}")
    batches = iter(module.batches(images, labels, case, batch_size))
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
        [(x, y)] = _read(subject, images, labels, "full", 10, 1)
        self.assertLess(y.max(axis=1).min(), 0.999)
        brightest = x.max(axis=(1, 2, 3))  # outside both holes
        np.testing.assert_allclose(brightest, y @ levels / 255, atol=1e-5)


class WorkerTest(absltest.TestCase):
    def _worker(self, source, **settings):
        directory = self.create_tempdir()
        directory.create_file("subject.py", content=source)
        environment = {"PYTHONPATH": directory.full_path}
        with mock.patch.dict(os.environ, environment):
            return self._started("subject", **settings)

    def _started(self, module, **settings):
        worker = workers.Worker(
            module, case="none", num_examples=20, batch_size=8, **settings
        )
        self.addCleanup(worker.close)
        return worker

    def _error(self, worker):
        with self.assertRaises(workers.WorkerError) as caught:
            worker.measure(0)
        return str(caught.exception)

    def test_measures(self):
        result = self._started("peers.memcpy").measure(0.1)
        self.assertGreater(result["images_per_sec"], 0)
        self.assertGreater(result["cpu_sec_per_1000_images"], 0)
        self.assertGreater(result["peak_rss"], 5)

    def test_an_exception_is_told_in_a_line(self):
        worker = self._worker("def batches(*_): raise ValueError('bad\\nluck')")
        self.assertEqual(self._error(worker), "ValueError: bad luck")

    def test_a_crash_is_an_error(self):
        worker = self._worker("import os\nos._exit(3)")
        self.assertEqual(self._error(worker), "ended with status 3")
        self.assertEqual(self._error(worker), "ended with status 3")

    def test_a_crash_is_noticed_though_a_child_lives_on(self):
        worker = self._worker(
            "import os, time\nif os.fork():\n  os._exit(3)\ntime.sleep(100)\n"
        )
        self.assertEqual(self._error(worker), "ended with status 3")

    def test_silence_is_an_error_and_the_end_is_the_childrens_too(self):
        pid_file = self.create_tempfile()
        worker = self._worker(
            "import pathlib, subprocess, time\n"
            "child = subprocess.Popen(['sleep', '100'])\n"
            f"pathlib.Path({pid_file.full_path!r}).write_text(str(child.pid))\n"
            "time.sleep(100)\n",
            timeout_sec=0.5,
        )
        self.assertEqual(self._error(worker), "no answer within 0.5 s")
        while not (pid := pid_file.read_text()):
            time.sleep(0.05)
        worker.close()
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(int(pid)).wait(10)

    def test_a_subject_that_fails_leaves_the_others(self):
        names = ["absent", "memcpy"]
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            values = input_pipeline.measure_case("none", names, 0, 2)
        self.assertEqual(list(values), ["memcpy"])
        self.assertLen(values["memcpy"], 2)
        self.assertIn(
            "none absent: left out: ModuleNotFound", stderr.getvalue()
        )


class HarnessTest(absltest.TestCase):
    def test_turns_alternate_and_the_first_counts_for_nothing(self):
        self.assertEqual(
            list(harness.turns("ab", 2)),
            [(0, "b"), (0, "a"), (1, "a"), (1, "b"), (2, "b"), (2, "a")],
        )
        calls = iter(range(6))
        subjects = {"a": lambda: next(calls), "b": lambda: next(calls)}
        with contextlib.redirect_stderr(io.StringIO()):
            values = harness.in_turn(subjects, 2)
        self.assertEqual(values, {"a": [2, 5], "b": [3, 4]})

    def test_says_which_packages_are_missing(self):
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            self.assertTrue(harness.is_installed("peer", ["numpy"]))
            self.assertFalse(harness.is_installed("peer", ["numpy", "no_such"]))
        self.assertEqual(
            stderr.getvalue(),
            "peer: left out; pip install no_such to have it\n",
        )

    def test_report_writes_json_and_markdown(self):
        rows = [
            harness.row("c", "ours", "speed", "images/s", [90, 100, 120]),
            harness.row("c", "peer", "speed", "images/s", [50.0]),
            harness.row("c", "ours", "small", "s", [0.000123456]),
        ]
        output = (
            pathlib.Path(self.create_tempdir().full_path) / "new" / "b.json"
        )
        arguments = harness.parser("").parse_args([f"--output={output}"])
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            path = harness.report("b", rows, arguments, ["numpy", "psutil"])
        self.assertEqual(path, output)
        result = json.loads(output.read_text())
        self.assertEqual(
            list(result),
            ["benchmark", "command", "commit", "hardware", "versions", "rows"],
        )
        self.assertEqual(
            result["rows"][0],
            {
                "case": "c",
                "subject": "ours",
                "metric": "speed",
                "unit": "images/s",
                "median": 100,
                "min": 90,
                "max": 120,
                "n": 3,
            },
        )
        self.assertEqual(result["rows"][2]["median"], 0.00012346)
        self.assertEqual(result["versions"]["psutil"], psutil.__version__)
        text = output.with_suffix(".md").read_text()
        self.assertEqual(text, stdout.getvalue())
        *_, ours, peer, alone = text.splitlines()
        self.assertEqual(
            ours.removesuffix(f" {'█' * 20} |"),
            "| c | ours | speed (images/s) | 100 | 90 | 120 | 3 |",
        )
        self.assertEndsWith(peer, f" | 1 | {'█' * 10} |")
        self.assertEndsWith(alone, " | 1 |  |")

    def test_quick_figures_do_not_replace_the_others(self):
        arguments = harness.parser("").parse_args(["--quick"])
        directory = pathlib.Path(self.create_tempdir().full_path)
        rows = [harness.row("c", "ours", "speed", "images/s", [90])]
        with (
            mock.patch.object(harness, "_QUICK_RESULTS", directory),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            path = harness.report("b", rows, arguments)
        self.assertEqual(path, directory / "b.json")


class AllTest(absltest.TestCase):
    def test_joins_what_succeeds_and_fails_if_one_does(self):
        run_all = importlib.import_module("run_all")
        scripts = self.create_tempdir()
        scripts.create_file(
            "good.py",
            content="import pathlib, sys\n"
            "assert sys.argv[1] == '--quick'\n"
            "path = pathlib.Path(sys.argv[2].removeprefix('--output='))\n"
            "path.parent.mkdir(exist_ok=True)\n"
            "path.with_suffix('.md').write_text('# good\\n')\n",
        )
        scripts.create_file("bad.py", content="raise SystemExit(1)")
        output = pathlib.Path(scripts.full_path) / "results"
        with (
            mock.patch.object(run_all, "_HERE", output.parent),
            mock.patch.object(run_all, "NAMES", ("bad", "good")),
            mock.patch.object(
                sys, "argv", ["run_all.py", "--quick", f"--output={output}"]
            ),
            contextlib.redirect_stderr(io.StringIO()) as stderr,
        ):
            self.assertEqual(run_all.main(), 1)
        self.assertIn("error: failed: bad.", stderr.getvalue())
        self.assertIn("\n## good\n", (output / "README.md").read_text())

    def test_every_benchmark_exists(self):
        for name in importlib.import_module("run_all").NAMES:
            self.assertTrue((_BENCHMARKS / f"{name}.py").exists(), name)


if __name__ == "__main__":
    absltest.main()

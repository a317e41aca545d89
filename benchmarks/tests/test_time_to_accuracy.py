import contextlib
import dataclasses
import io
import json
import pathlib
from unittest import mock

import numpy as np
import time_to_accuracy
from absl.testing import absltest, parameterized
from harness import accuracy_picture
from harness.accuracy_runs import Run, compare, read_run
from time_to_accuracy import PEERS, Subject

from cifar10_tf.datasets.loading import Examples, ImageDataset
from tests import fakes

# Leaves a run, or fails half-way, and says so in the file that it is given.
_PROGRAM = """
import json, pathlib, sys
log, status, *flags = sys.argv[1:]
flags = dict(flag.partition("=")[::2] for flag in flags)
run_dir, _ = pathlib.Path(flags.pop("--run_dir")), flags.pop("--seed")
with open(log, "a") as file:
    print(run_dir.name, *map("".join, flags.items()), file=file)
run_dir.mkdir(parents=True)
line = {"train_sec": 5.0, "val_accuracy": 0.5}
(run_dir / "metrics.jsonl").write_text(json.dumps(line) + "\\n")
if int(status):
    sys.exit(int(status))
summary = {"train_sec": 10.0, "test_accuracy": 0.6, "validation_accuracy": 0.7}
(run_dir / "summary.json").write_text(json.dumps(summary))
"""


def _run(train_sec, accuracy, tta=None, curve=()):
    return Run(train_sec, accuracy, tta, None, list(curve))


class RunTest(absltest.TestCase):
    def test_sec_to_is_when_the_target_is_first_shown(self):
        run = _run(40, 0.9, curve=[(10, 0.5), (20, 0.75), (30, 0.7), (40, 0.8)])
        self.assertEqual(run.sec_to(0.75), 20)
        self.assertEqual(run.sec_to(0.76), 40)
        # The test split is not asked.
        self.assertIsNone(run.sec_to(0.85))

    def test_reads_a_run_directory(self):
        run_dir = pathlib.Path(self.create_tempdir().full_path)
        lines = [
            {"epoch": 1, "train_sec": 5.0, "val_accuracy": 0.5},
            {"epoch": 2, "train_sec": 9.0, "val_accuracy": None},
        ]
        (run_dir / "metrics.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in lines)
        )
        self.assertIsNone(read_run(run_dir))
        summary = {
            "train_sec": 9.0,
            "test_accuracy": 0.6,
            "test_accuracy_tta": 0.65,
            "validation_accuracy": None,
            "epochs": 2,
        }
        (run_dir / "summary.json").write_text(json.dumps(summary))
        run = read_run(run_dir)
        self.assertEqual(run, Run(9.0, 0.6, 0.65, None, [(5.0, 0.5)]))
        self.assertEqual(run.best_test_accuracy, 0.65)


class TrainAllTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        directory = pathlib.Path(self.create_tempdir().full_path)
        self._work, self._log = directory / "work", directory / "log"
        program = directory / "program.py"
        program.write_text(_PROGRAM)
        subjects = {
            name: Subject((str(program), str(self._log), status), ("--q",))
            for name, status in (("good", "0"), ("bad", "3"), ("fine", "0"))
        }
        self.enter_context(
            mock.patch.object(time_to_accuracy, "SUBJECTS", subjects)
        )

    def _started(self, subjects, seeds, quick=False):
        self._log.write_text("")
        self._stderr = io.StringIO()
        with contextlib.redirect_stderr(self._stderr):
            time_to_accuracy.train_all(
                subjects, seeds, self._work, "any", quick
            )
        return self._log.read_text().splitlines()

    def test_trains_in_turn_and_leaves_out_what_fails(self):
        self.assertEqual(
            self._started(["good", "bad", "fine"], "12"),
            ["fine-seed1", "bad-seed1", "good-seed1", "good-seed2"]
            + ["fine-seed2"],
        )
        runs = time_to_accuracy.finished(self._work)
        self.assertEqual(
            {name: list(by_seed) for name, by_seed in runs.items()},
            {"good": ["1", "2"], "fine": ["1", "2"]},
        )
        self.assertEqual(runs["good"]["1"].curve, [(5.0, 0.5)])

    def test_whose_package_is_missing_is_left_out_and_that_is_said(self):
        subjects = time_to_accuracy.SUBJECTS
        packages = "absl-py", "package_that_is_nowhere"
        subjects["bad"] = dataclasses.replace(
            subjects["good"], packages=packages
        )
        self.assertEqual(self._started(["bad", "good"], "1"), ["good-seed1"])
        self.assertIn(
            "bad: left out; pip install package_that_is_nowhere to have it\n",
            self._stderr.getvalue(),
        )

    def test_peers_get_the_images_of_their_counterpart(self):
        subjects = time_to_accuracy.SUBJECTS
        good = subjects["good"]
        command = (*good.command, "--data={data}")
        for peer in "one", "other":
            subjects[peer] = Subject(command, peer_of="good")
        with (
            mock.patch.object(
                time_to_accuracy, "PEERS", {"one": "good", "other": "good"}
            ),
            mock.patch.object(
                time_to_accuracy,
                "write_arrays",
                side_effect=lambda path, *_: path.touch(),
            ) as write_arrays,
        ):
            started = self._started(["good", "one", "other"], "1")
        [call] = write_arrays.call_args_list
        path, *arguments = call.args
        self.assertEqual(arguments, ["any", "good", False])
        self.assertEqual(
            started,
            [f"{name}-seed1 --data{path}" for name in ("other", "one")]
            + ["good-seed1"],
        )

    def test_finished_runs_are_merged_and_unfinished_ones_run_again(self):
        self._started(["good"], "1")
        unfinished = self._work / "good-seed2"
        unfinished.mkdir()
        (unfinished / "rest").touch()
        self.assertEqual(
            self._started(["good", "fine"], "12"),
            ["fine-seed1", "good-seed2", "fine-seed2"],
        )
        self.assertFalse((unfinished / "rest").exists())
        runs = time_to_accuracy.finished(self._work)
        self.assertEqual(list(runs["good"]), ["1", "2"])
        self.assertEqual(list(runs["fine"]), ["1", "2"])
        self.assertEqual(self._started(["good", "fine"], "12"), [])

    def test_what_is_kept_is_of_the_same_code(self):
        repository = pathlib.Path(self.create_tempdir().full_path)
        for commit, quick, is_kept in (
            ("abc", False, True),
            ("abc", True, False),
            ("abc-dirty", False, False),
        ):
            arguments = "cifar10", commit, quick
            with mock.patch.object(time_to_accuracy, "REPOSITORY", repository):
                work = time_to_accuracy.runs_directory(*arguments)
                (work / "run").mkdir(parents=True)
                time_to_accuracy.runs_directory(*arguments)
            self.assertEqual((work / "run").exists(), is_kept)

    def test_quick_runs_get_their_flags(self):
        self.assertEqual(
            self._started(["good"], "1", quick=True), ["good-seed1 --q"]
        )


_RUNS = {
    "original": {
        "1": _run(1000, 0.76, curve=[(400, 0.7), (800, 0.75), (1000, 0.74)]),
        "2": _run(1000, 0.76, curve=[(500, 0.7), (1000, 0.74)]),
    },
    "speedrun_s": {
        "1": _run(40, 0.77, tta=0.79),
        "3": _run(50, 0.73, tta=0.76),
    },
    "speedrun_m": {"1": _run(500, 0.91, 0.92, curve=[(250, 0.8)])},
    "torch_speedrun": {"1": _run(1000, 0.9, 0.91)},
    "torch_muon": {"1": _run(600, 0.89, 0.905), "2": _run(9, 0.1, 0.1)},
}


class ReportTest(parameterized.TestCase):
    def test_rows(self):
        rows = time_to_accuracy.make_rows(_RUNS, [0.75, 0.9], "data")
        found = {
            (row["case"], row["subject"], row["metric"]): (
                row["median"],
                row["n"],
            )
            for row in rows
        }
        self.assertLen(found, len(rows))
        ours = "cifar10_tf"
        for key, value in {
            ("original", ours, "train_sec"): (1000, 2),
            ("original", ours, "train_sec_to_0.75"): (800, 1),
            ("speedrun_s", ours, "train_sec"): (45, 2),
            ("speedrun_s", ours, "test_accuracy"): (0.75, 2),
            ("speedrun_s", ours, "test_accuracy_tta"): (0.775, 2),
            ("speedrun_m", ours, "train_sec_to_0.75"): (250, 1),
            ("speedrun_m", "torch_speedrun", "train_sec"): (1000, 1),
            # The first epoch that shows 0.75, to a whole training.
            ("original to 0.75 / speedrun_s", ours, "ratio"): (20, 1),
            (
                "original to 0.75 / speedrun_s",
                ours,
                "test_accuracy_difference",
            ): (0.02, 1),
            ("torch_speedrun / speedrun_m", ours, "ratio"): (2, 1),
            (
                "torch_speedrun / speedrun_m",
                ours,
                "test_accuracy_difference",
            ): (0.01, 1),
            # Of the seeds that both have.
            ("speedrun_m", "torch_muon", "train_sec"): (304.5, 2),
            ("torch_muon / speedrun_m", ours, "ratio"): (1.2, 1),
            (
                "torch_muon / speedrun_m",
                ours,
                "test_accuracy_difference",
            ): (0.015, 1),
        }.items():
            case, *rest = key
            self.assertEqual(found[f"{case}, data", *rest], value, key)
        # Nothing is made up where nothing is known.
        metrics = {
            row["metric"] for row in rows if row["case"] == "original, data"
        }
        self.assertIn("test_accuracy", metrics)
        self.assertNotIn("test_accuracy_tta", metrics)
        self.assertNoCommonElements(
            {row["case"] for row in rows},
            ["torch_speedrun_m / speedrun_m, data"],
        )

    def _figure(self, runs):
        comparisons = compare(runs, 0.75, PEERS)
        return accuracy_picture.draw(runs, comparisons, [0.75, 0.9], "a title")

    def test_picture_shows_the_medians_and_the_ratios(self):
        axis = self._figure(_RUNS).axes[0]
        legend = [text.get_text() for text in axis.get_legend().get_texts()]
        self.assertLen(legend, 5)
        self.assertIn("speedrun_s: 77.5% in 45 s (2 runs)", legend)
        ratios = [text for text in axis.texts if text.get_text()]
        self.assertEqual(
            [text.get_text() for text in ratios],
            ["20 times sooner", "2 times sooner", "1.2 times sooner"],
        )
        # None lies on another.
        self.assertLen({text.xy[1] for text in ratios}, 3)

    def test_picture_praises_no_run_that_is_less_accurate(self):
        worse = {"1": _run(500, 0.9, 0.909)}
        axis = self._figure(_RUNS | {"speedrun_m": worse}).axes[0]
        ratios = [text.get_text() for text in axis.texts if text.get_text()]
        self.assertEqual(ratios, ["20 times sooner", "1.2 times sooner"])

    def test_every_subject_has_a_style(self):
        runs = {name: {"1": _run(9, 0.5)} for name in time_to_accuracy.SUBJECTS}
        path = pathlib.Path(self.create_tempdir().full_path) / "new" / "a.png"
        accuracy_picture.save(path, runs, [], [0.75], "a title")
        self.assertEqual(path.read_bytes()[:4], b"\x89PNG")


class ArraysTest(absltest.TestCase):
    def test_the_division_is_the_models(self):
        images, labels = fakes.random_arrays(100)
        images[:, 0, 0, 0] = range(100)
        examples = Examples(images, labels)
        dataset = ImageDataset("", (), examples, examples)
        path = pathlib.Path(self.create_tempdir().full_path) / "a.npz"
        with mock.patch.object(
            time_to_accuracy, "load_dataset", return_value=dataset
        ):
            time_to_accuracy.write_arrays(path, "any", "dropout", False)
        data = np.load(path)
        self.assertLen(data["train_images"], 70)
        self.assertLen(data["validation_images"], 30)
        np.testing.assert_array_equal(data["test_images"], images)
        indices = [
            data[f"{split}_images"][:, 0, 0, 0]
            for split in ("train", "validation")
        ]
        self.assertCountEqual(np.concatenate(indices), range(100))
        for split, places in zip(("train", "validation"), indices, strict=True):
            np.testing.assert_array_equal(
                data[f"{split}_labels"], labels[places]
            )

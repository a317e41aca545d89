import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import optuna
from absl.testing import absltest, parameterized

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.studies.sweeps import optuna_study, sweep
from cifar10_tf.studies.sweeps.sweep_directory import SweepDirectory
from cifar10_tf.system import interruption
from cifar10_tf.system.errors import UserError
from tests.studies.fake_executor import FakeExecutor
from tests.studies.sweeps import fake_runs, plans

_SEARCH = "batch_size=1|2|3,augment=none|flip"

# Dies at a moment that is counted: before a run, at an epoch, or after it.
_KILLED = """
import os, signal, sys
from tests.studies.fake_executor import FakeExecutor
from tests.studies.sweeps import fake_runs, plans
from cifar10_tf.studies.sweeps import sweep
moments = iter(range(int(sys.argv[2])))
def look():
    if next(moments, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
def make(job):
    is_hopeless = job.is_hopeless
    def asked():
        look()
        return is_hopeless()
    object.__setattr__(job, "is_hopeless", asked)
    look()
    status = fake_runs.make(job)
    look()
    return status
plan = plans.make(sys.argv[1], trials=14, seeds=2, pruner="median")
sweep.train(plan, executor=FakeExecutor(make))
"""


class SweepTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "sweep"
        self.output = io.StringIO()
        self.enter_context(contextlib.redirect_stdout(self.output))

    def _train(self, make=fake_runs.make, path=None, settings=None, **options):
        """Returns the summary, and the jobs that were made."""
        executor = FakeExecutor(make)
        plan = plans.make(path or self.path, settings, **options)
        return sweep.train(plan, executor=executor), executor.jobs

    def test_trials_and_their_runs(self):
        with self.assertLogs("cifar10_tf", "INFO") as logs:
            summary, jobs = self._train(trials=3, seeds=2)
        self.assertLen(jobs, 6)
        place, *beginnings = logs.output
        self.assertEndsWith(place, f"Sweep directory: {self.path}")
        self.assertLen(beginnings, 3)
        self.assertRegex(beginnings[0], r"trial0 begins: learning_rate=0\.\d+")
        self.assertContainsSubset(
            ["trial0", "trial1", "trial2", "sweep.html", "sweep.json"],
            os.listdir(self.path),
        )
        saved = json.loads((self.path / "sweep.json").read_text())
        self.assertEqual(saved, summary)
        for trial in summary["trials"]:
            runs = [RunDirectory(self.path / run) for run in trial["runs"]]
            configs = [run.read_config() for run in runs]
            self.assertEqual([c.seed for c in configs], [1, 2])
            for name, value in trial["settings"].items():
                self.assertEqual(getattr(configs[0], name), value)
            values = [fake_runs.accuracy(config) for config in configs]
            self.assertEqual(trial["values"], values)
            self.assertEqual(trial["value"], np.mean(values))
        best = max(summary["trials"], key=lambda trial: trial["value"])
        self.assertEqual(summary["best"], best["number"])
        self.assertIn(
            f"--learning_rate={best['settings']['learning_rate']}",
            summary["winner_command"],
        )
        self.assertEndsWith(summary["winner_command"], "--num_runs=2")
        # Elsewhere than an ordinary run of this model.
        self.assertIn(f"--run_dir={self.path}-best", summary["winner_command"])
        lines = self.output.getvalue().splitlines()
        self.assertLen(lines, 3)
        self.assertRegex(lines[0], r"^trial0: \d+\.\d\d%, the best so far, lea")

    def test_called_again_it_does_nothing_or_more(self):
        first, _ = self._train(trials=3)
        again, jobs = self._train(trials=3)
        self.assertEqual(again["trials"], first["trials"])
        self.assertEmpty(jobs)
        more, jobs = self._train(trials=5)
        self.assertEqual(more["trials"][:3], first["trials"])
        self.assertLen(jobs, 2)

    def test_other_settings_are_another_sweep(self):
        self._train(trials=1)
        for options, message in (
            ({"seeds": 2}, "seeds: 1 -> 2"),
            ({"pruner": "median"}, "pruner: none -> median"),
            ({"settings": {"epochs": 3}}, "epochs: 2 -> 3"),
            ({"search": "batch_size=1|2"}, "batch_size: None -> 1|2"),
        ):
            with self.assertRaises(UserError) as caught:
                self._train(trials=1, **options)
            self.assertIn(message, str(caught.exception))

    def test_a_loss_is_to_be_low(self):
        summary, _ = self._train(
            trials=3, metric="validation_loss", search="learning_rate=0.01:0.1"
        )
        values = [trial["value"] for trial in summary["trials"]]
        self.assertEqual(values[summary["best"]], min(values))

    def test_a_grid_is_tried_once(self):
        summary, _ = self._train(sampler="grid", search=_SEARCH)
        tried = {tuple(t["settings"].values()) for t in summary["trials"]}
        self.assertLen(tried, 6)
        self.assertLen(summary["trials"], 6)

    def test_tpe_finds_what_random_does_not(self):
        late = {}
        for sampler in "tpe", "random":
            summary, _ = self._train(
                path=self.path.parent / sampler,
                settings={"epochs": 1},
                sampler=sampler,
                trials=40,
            )
            values = [trial["value"] for trial in summary["trials"]]
            late[sampler] = np.mean(values[20:])
            if sampler == "tpe":
                # Of eight seeds, TPE was better by 0.10 at least.
                self.assertGreater(max(values), 0.89)
                matters = summary["importances"]
                self.assertEqual(max(matters, key=matters.get), "learning_rate")
        self.assertGreater(late["tpe"], late["random"] + 0.05)

    def test_bad_trials_are_ended_early(self):
        summary, jobs = self._train(trials=12, seeds=2, pruner="median")
        early = [t for t in summary["trials"] if t["state"] == "ended early"]
        self.assertNotEmpty(early)
        self.assertEqual({trial["last_epoch"] for trial in early}, {1})
        self.assertLen(jobs, 2 * 12 - len(early))  # no second seed
        self.assertNotIn(summary["best"], [t["number"] for t in early])

    def test_how_often_one_looks_does_not_matter(self):
        def unseen(job):
            """A run that is over before anybody asks of its epochs."""
            object.__setattr__(job, "is_hopeless", lambda: False)
            return fake_runs.make(job)

        options = {"trials": 12, "pruner": "median"}
        seen, _ = self._train(**options)
        other, _ = self._train(unseen, self.path.parent / "other", **options)
        self.assertEqual(
            [(t["state"], t["settings"]) for t in seen["trials"]],
            [(t["state"], t["settings"]) for t in other["trials"]],
        )

    def test_a_database_keeps_several_sweeps(self):
        storage = f"sqlite:///{self.path.parent}/sweeps.db"
        for name in "a", "b":
            path = self.path.parent / name
            first, _ = self._train(path=path, trials=2, storage=storage)
            again, jobs = self._train(path=path, trials=2, storage=storage)
            self.assertEqual(again["trials"], first["trials"])
            self.assertEmpty(jobs)
        with self.assertRaisesRegex(UserError, "--storage can't be used: "):
            self._train(storage="nosuch://user:secret@nowhere/sweeps")

    def test_a_password_is_not_written_down(self):
        for storage in (
            ["--storage=postgresql://me:k/ey@db/s"],
            ["-storage", "postgresql:///s?user=me&password=k/ey"],
        ):
            command = ["cifar10-tf", "sweep", *storage, "--seed=3"]
            with absltest.mock.patch.object(sys, "argv", command):
                summary, _ = self._train(trials=1)
            self.assertNotIn("k/ey", summary["command"])
            self.assertIn("--seed=3", summary["command"])

    def _fail_at(self, *numbers, status=1):
        def make(job):
            number = int(pathlib.Path(job.config.run_dir).parent.name[5:])
            if number not in numbers:
                return fake_runs.make(job)
            run = RunDirectory(job.config.run_dir)
            run.open(job.config)
            run.close()
            pathlib.Path(job.log).write_text("hello\nerror: no luck.\n")
            return status

        return make

    def test_a_failed_trial_counts_as_one(self):
        for status in 1, -9:
            with self.assertLogs("cifar10_tf", "WARNING") as logs:
                summary, jobs = self._train(
                    self._fail_at(1, 2, status=status),
                    self.path.parent / str(status),
                    trials=4,
                    seeds=2,
                )
            self.assertEndsWith(logs.output[0], "trial1 failed: no luck.")
            states = [trial["state"] for trial in summary["trials"]]
            self.assertEqual(
                states, ["complete", "failed", "failed", "complete"]
            )
            self.assertLen(jobs, 6)

    def test_three_failures_in_a_row_are_too_many(self):
        with self.assertRaisesRegex(UserError, "3 trials in a row .*trial4;"):
            self._train(self._fail_at(2, 3, 4, 5))
        self.assertFalse((self.path / "trial5").exists())

    def test_where_all_fail_there_is_no_winner(self):
        with self.assertRaisesRegex(UserError, "of 2 trials none has come"):
            self._train(self._fail_at(0, 1), trials=2)

    def test_what_is_no_number_is_a_failure(self):
        def make(job):
            status = fake_runs.make(job)
            if "trial0/" in job.config.run_dir:
                metrics = RunDirectory(job.config.run_dir).metrics
                metrics.write_text('{"epoch": 2, "val_accuracy": NaN}\n')
            return status

        summary, _ = self._train(make, trials=2)
        self.assertEqual(summary["trials"][0]["state"], "failed")

    def test_a_run_that_does_not_even_begin_ends_the_sweep(self):
        with self.assertRaisesRegex(UserError, "seed1 ended with status 1; wh"):
            self._train(lambda job: 1)

    def test_an_interrupted_run_ends_the_sweep_in_the_same_way(self):
        for status in 75, 143:
            with self.assertRaises(interruption.Interrupted) as caught:
                self._train(self._fail_at(1, status=status), trials=3)
            self.assertEqual(caught.exception.status, status)
            self.assertTrue(caught.exception.can_go_on)
        # The trial is not lost: it is made now.
        summary, jobs = self._train(trials=3)
        self.assertLen(summary["trials"], 3)
        self.assertLen(jobs, 2)

    def test_a_trial_that_was_killed_before_it_had_settings(self):
        whole, _ = self._train(path=self.path.parent / "whole", trials=3)
        self._train(trials=1)
        plan = plans.make(self.path)
        study = optuna_study.open_study(SweepDirectory(self.path), plan)
        study.ask()
        summary, _ = self._train(trials=3)
        self.assertEqual(summary["trials"], whole["trials"])


class KilledTest(absltest.TestCase):
    def test_no_trial_is_lost_or_made_twice(self):
        root = pathlib.Path(self.create_tempdir().full_path)
        plan = plans.make(root / "whole", trials=14, seeds=2, pruner="median")
        with contextlib.redirect_stdout(io.StringIO()):
            whole = sweep.train(plan, executor=FakeExecutor(fake_runs.make))
        path = root / "killed"
        for moment in 0, 3, 13, 14, 17:
            result = subprocess.run(
                [sys.executable, "-c", _KILLED, path, str(moment)],
                stdout=subprocess.DEVNULL,
            )
            self.assertEqual(result.returncode, -9)
        plan = plans.make(path, trials=14, seeds=2, pruner="median")
        with contextlib.redirect_stdout(io.StringIO()):
            killed = sweep.train(plan, executor=FakeExecutor(fake_runs.make))
        self.assertEqual(killed["trials"], whole["trials"])
        self.assertIn("ended early", {t["state"] for t in whole["trials"]})
        storage = optuna.storages.JournalStorage(
            optuna.storages.journal.JournalFileBackend(
                str(path / "optuna-journal.log")
            )
        )
        (study,) = storage.get_all_studies()
        self.assertLen(storage.get_all_trials(study._study_id), 14)


if __name__ == "__main__":
    absltest.main()

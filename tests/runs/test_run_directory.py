import contextlib
import dataclasses
import os
import pathlib
import zipfile
from unittest import mock

import filelock
from absl.testing import absltest

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from tests import fakes


class RunDirectoryTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.parent = pathlib.Path(self.create_tempdir().full_path)
        self.run_dir = RunDirectory(self.parent / "deep" / "run")
        self.config = make_config(dataset="synthetic10")

    def _complete(self):
        self.run_dir.open(self.config)
        fakes.write_results(self.run_dir)
        self.run_dir.complete({"precision": "float32"})

    def _interrupt(self):
        """A run whose process has died: its lock file stays, unlocked."""
        self.run_dir.open(self.config)
        self.run_dir = RunDirectory(self.run_dir.path)

    def test_a_complete_run_without_its_model_is_an_error(self):
        self._complete()
        self.run_dir.model.unlink()
        with self.assertRaisesRegex(UserError, "model.keras is missing"):
            self.run_dir.is_complete(self.config)

    def test_a_complete_run_with_a_damaged_model_is_an_error(self):
        self._complete()
        whole = self.run_dir.model.read_bytes()
        for damage in b"", b"junk", whole[:-20], whole.replace(b".h5", b".h6"):
            self.run_dir.model.write_bytes(damage)
            with self.assertRaisesRegex(UserError, "damaged.*--restart"):
                self.run_dir.is_complete(self.config)
        self.run_dir.model.write_bytes(whole)
        self.assertTrue(self.run_dir.is_complete(self.config))

    def test_a_complete_run_without_its_metrics_is_an_error(self):
        self._complete()
        self.run_dir.metrics.unlink()
        with self.assertRaisesRegex(UserError, "metrics.jsonl is missing"):
            self.run_dir.is_complete(self.config)

    def test_a_folder_may_have_been_moved_in_an_unfinished_run(self):
        before = make_config(dataset="folder:/there/pets")
        now = make_config(dataset="folder:/here/pets")
        self.run_dir.open(before)
        self.run_dir.close()
        self.assertFalse(self.run_dir.is_complete(now))
        with self.assertRaisesRegex(UserError, "dataset: 'folder:/there"):
            self.run_dir.is_complete(make_config(dataset="cifar10"))
        fakes.write_results(self.run_dir)
        self.run_dir.complete({"precision": "float32"})
        # It could be another folder of that name.
        with self.assertRaisesRegex(UserError, "dataset: 'folder:/there"):
            self.run_dir.is_complete(now)

    def test_that_of_a_sweep_is_called_so(self):
        run = RunDirectory(self.run_dir.path / "trial3/seed1")
        run.open(self.config)
        run.close()
        with self.assertRaisesRegex(UserError, "of a sweep.*, as .*trial3/see"):
            self.run_dir.read_config()

    def test_a_run_of_a_newer_version(self):
        self.run_dir.open(self.config)
        text = self.run_dir.config.read_text()
        for newer in (
            text.replace('"format": 1', '"format": 99'),
            text.replace('"seed"', '"brand_new": 1,\n  "seed"'),
        ):
            self.assertNotEqual(newer, text)
            self.run_dir.config.write_text(newer)
            with self.assertRaisesRegex(UserError, "newer version.*upgrade"):
                self.run_dir.read_config()

    def test_a_new_or_empty_directory_is_free(self):
        self.assertFalse(self.run_dir.is_complete(self.config))
        self.run_dir.path.mkdir(parents=True)
        self.assertFalse(self.run_dir.is_complete(self.config))
        self.run_dir.check_replaceable()

    def test_what_a_killed_process_did_not_clean_up(self):
        self.run_dir.open(self.config)
        with mock.patch.object(self.run_dir, "_clean"):
            fakes.write_results(self.run_dir)
            self.run_dir.complete({"precision": "float32"})
        name = f"step-00000005-{'0a' * 16}.zip"
        (self.run_dir.checkpoints / name).write_text("")
        self.assertTrue(self.run_dir.is_complete(self.config))
        self.assertFalse(self.run_dir.checkpoints.exists())

    def test_the_lock_is_removed_by_whoever_holds_it(self):
        removed = []
        unlink = os.unlink

        def unlink_held(path, **kwargs):
            if pathlib.Path(path).name == ".lock":
                with self.assertRaises(filelock.Timeout):
                    filelock.FileLock(path, blocking=False).acquire()
                removed.append(path)
            unlink(path, **kwargs)

        with mock.patch.object(os, "unlink", unlink_held):
            self._complete()
            (self.run_dir.path / ".lock").touch()  # of one that was killed
            self.assertTrue(self.run_dir.is_complete(self.config))
        self.assertLen(removed, 2)
        # And is not held any more.
        self.assertTrue(
            RunDirectory(self.run_dir.path).is_complete(self.config)
        )

    def test_home(self):
        with mock.patch.dict(os.environ, {"HOME": str(self.parent)}):
            run = RunDirectory("~/run")
        self.assertEqual(run.path, self.parent / "run")

    def test_missing_metrics_are_named(self):
        with self.assertRaisesRegex(UserError, "metrics.jsonl is missing"):
            self.run_dir.read_metrics()

    def test_what_may_not_be_read_is_not_called_damaged(self):
        self._complete()
        refused = mock.Mock(side_effect=PermissionError(13, "Permission"))
        with mock.patch.object(pathlib.Path, "read_text", refused):
            for read in self.run_dir.read_config, self.run_dir.read_summary:
                with self.assertRaises(PermissionError):
                    read()
        with (
            mock.patch.object(zipfile, "ZipFile", refused),
            self.assertRaises(PermissionError),
        ):
            self.run_dir.check_model()

    def test_a_figure_that_is_no_number_is_damage(self):
        self._complete()
        for text in '{"precision": "float32", "test_loss": "x"}', "{}", "[]":
            self.run_dir.summary.write_text(text)
            with self.assertRaisesRegex(UserError, "summary.json is damaged"):
                self.run_dir.read_summary()

    def test_a_summary_alone_is_no_run(self):
        self.run_dir.path.mkdir(parents=True)
        self.run_dir.summary.write_text("mine")
        with self.assertRaisesRegex(UserError, "not a run directory"):
            self.run_dir.is_complete(self.config)

    def test_a_study_is_called_one(self):
        run = RunDirectory(self.run_dir.path / "seed1")
        run.path.mkdir(parents=True)
        run.write_config(self.config)
        with self.assertRaisesRegex(UserError, "is that of a study.*seed1"):
            self.run_dir.is_complete(self.config)

    def test_damaged_metrics_are_named(self):
        self._complete()
        self.run_dir.metrics.write_text('{"epoch": 1}\n{"epo')
        with self.assertRaisesRegex(UserError, "metrics.jsonl is damaged"):
            self.run_dir.read_metrics()

    def test_an_unfinished_run_can_go_on(self):
        self._interrupt()
        self.assertFalse(self.run_dir.is_complete(self.config))
        self.run_dir.open(self.config)
        self.assertEqual(self.run_dir.read_config(), self.config)

    def test_an_unfinished_run_with_other_settings_is_refused(self):
        self._interrupt()
        other = make_config(dataset="synthetic10", seed=7)
        for action in self.run_dir.is_complete, self.run_dir.open:
            with self.assertRaisesRegex(UserError, "seed: 1 -> 7.*--restart"):
                action(other)

    def test_a_damaged_summary_is_named(self):
        self._complete()
        self.assertEqual(self.run_dir.read_summary()["precision"], "float32")
        forged = '{"precision": "x"}', '{"precision": "auto"}'
        for damage in "", "[1]", "7", "[" * 100_000, *forged:
            self.run_dir.summary.write_text(damage)
            for action in (
                self.run_dir.read_summary,
                lambda: self.run_dir.is_complete(self.config),
            ):
                with self.assertRaisesRegex(
                    UserError, "summary.json is damaged.*--restart"
                ):
                    action()
        self.run_dir.summary.unlink()
        with self.assertRaisesRegex(
            UserError,
            "not complete.*cifar10-tf train --model=.*"
            rf" --run_dir={self.run_dir.path}( |$)",
        ):
            self.run_dir.read_summary()

    def test_a_run_with_a_board_goes_on_with_it(self):
        self._complete()
        self.run_dir.summary.unlink()
        for is_watched in False, True:
            with self.assertRaises(UserError) as caught:
                self.run_dir.read_summary()
            said = str(caught.exception).endswith(" --tensorboard")
            self.assertEqual(said, is_watched)
            self.run_dir.tensorboard.mkdir(exist_ok=True)

    def test_says_how_to_evaluate_with_tta(self):
        self._complete()
        other = make_config(dataset="synthetic10", tta=True)
        auto = dataclasses.replace(self.config, precision="auto")
        with self.assertRaisesRegex(UserError, r"of --mixed_precision\.$"):
            self.run_dir.is_complete(auto)
        with self.assertRaisesRegex(UserError, r"evaluate --tta\.$"):
            self.run_dir.is_complete(other)

    def test_what_died_before_it_had_a_config_is_free(self):
        self.run_dir.path.mkdir(parents=True)
        for name in ".lock", ".new-config.json":
            (self.run_dir.path / name).write_text("")
        self.assertFalse(self.run_dir.is_complete(self.config))
        self.run_dir.open(self.config)
        self.assertEqual(self.run_dir.read_config(), self.config)

    def test_nothing_is_written_through_a_link(self):
        elsewhere = self.parent / "elsewhere"
        elsewhere.mkdir()
        self._interrupt()
        for name in "checkpoints", "plots", "metrics.jsonl":
            path = self.run_dir.path / name
            if path.is_dir():
                path.rmdir()
            path.symlink_to(elsewhere)
            with self.assertRaisesRegex(UserError, f"{name} is a symbolic"):
                self.run_dir.open(self.config)
            path.unlink()

    def test_a_run_in_progress_is_left_alone(self):
        self.run_dir.open(self.config)
        other = RunDirectory(self.run_dir.path)
        for action in (
            lambda: other.is_complete(self.config),
            lambda: other.open(self.config),
            other.check_replaceable,
            other.set_aside,
        ):
            with self.assertRaisesRegex(UserError, "another process"):
                action()
        fakes.write_results(self.run_dir)
        self.run_dir.complete({"precision": "float32"})
        self.assertTrue(other.is_complete(self.config))

    def test_what_can_not_be_opened_is_left_unlocked(self):
        for error in OSError(28, "No space left on device"), SystemExit():
            run = RunDirectory(self.parent / type(error).__name__)
            with (
                mock.patch.object(run, "write_config", side_effect=error),
                self.assertRaises((UserError, SystemExit)),
            ):
                run.open(self.config)
            RunDirectory(run.path).open(self.config)
        self._complete()
        with self.assertRaisesRegex(UserError, "another process"):
            self.run_dir.open(self.config)
        self.assertTrue(
            RunDirectory(self.run_dir.path).is_complete(self.config)
        )

    def test_a_complete_run_is_known_again(self):
        self._complete()
        self.assertTrue(self.run_dir.is_complete(self.config))
        self.assertCountEqual(
            os.listdir(self.run_dir.path),
            [
                "config.json",
                "metrics.jsonl",
                "model.keras",
                "plots",
                "summary.json",
            ],
        )

    def test_other_settings_are_refused_and_named(self):
        self._complete()
        other = make_config(dataset="synthetic10", epochs=5)
        with self.assertRaisesRegex(UserError, "epochs: 31 -> 5"):
            self.run_dir.is_complete(other)

    def test_something_else_is_left_alone(self):
        self.run_dir.path.mkdir(parents=True)
        (self.run_dir.path / "thesis.tex").write_text("precious")
        for check in (
            lambda: self.run_dir.is_complete(self.config),
            self.run_dir.check_replaceable,
            self.run_dir.set_aside,
        ):
            with self.assertRaisesRegex(UserError, "not a run"):
                check()
        self.assertEqual(os.listdir(self.run_dir.path), ["thesis.tex"])

    def test_a_file_in_the_way_is_refused(self):
        self.run_dir.path.parent.mkdir()
        self.run_dir.path.write_text("a file")
        with self.assertRaises(UserError):
            self.run_dir.is_complete(self.config)
        below = RunDirectory(self.run_dir.path / "run")
        with self.assertRaisesRegex(UserError, "can't be written"):
            below.is_complete(self.config)

    def test_what_cannot_be_written_is_found_out_by_trying(self):
        error = PermissionError(13, "Permission denied")
        with (
            mock.patch("tempfile.TemporaryFile", side_effect=error),
            self.assertRaisesRegex(UserError, "Permission denied.*--run_dir"),
        ):
            self.run_dir.is_complete(self.config)

    def test_checking_leaves_nothing_behind(self):
        self.run_dir.is_complete(self.config)
        self.assertEqual(os.listdir(self.parent), [])

    def test_another_programs_config_is_left_alone(self):
        self.run_dir.path.mkdir(parents=True)
        self.run_dir.config.write_text('{"vocab_size": 30522}')
        with self.assertRaisesRegex(UserError, "not a run"):
            self.run_dir.set_aside()
        self.assertTrue(self.run_dir.config.exists())

    def test_a_link_to_nowhere(self):
        link = self.parent / "link"
        link.symlink_to("nowhere")
        run = RunDirectory(link)
        for action in (
            lambda: run.is_complete(self.config),
            lambda: run.open(self.config),
            run.set_aside,
            run.read_config,
        ):
            with self.assertRaisesRegex(UserError, "link to nowhere, where"):
                action()
        self.assertEqual(os.listdir(self.parent), ["link"])

    def test_a_damaged_config_is_named(self):
        self._complete()
        for damage in "", "{", "[]", '{"format": 1}':
            self.run_dir.config.write_text(damage)
            for action in (
                self.run_dir.read_config,
                self.run_dir.set_aside,
                lambda: self.run_dir.is_complete(self.config),
            ):
                with self.assertRaisesRegex(
                    UserError, r"config.json is damaged: .*\w.*another one"
                ):
                    action()
            self.assertEqual(self.run_dir.config.read_text(), damage)
        self.run_dir.config.unlink()
        with self.assertRaisesRegex(UserError, "not a run"):
            self.run_dir.read_config()

    def test_the_current_directory_can_be_set_aside(self):
        self._complete()
        with contextlib.chdir(self.run_dir.path):
            RunDirectory(".").set_aside()
        self.assertTrue(self.run_dir.path.with_name("run.1").is_dir())

    def test_a_run_behind_a_link_is_set_aside_there(self):
        self._complete()
        link = self.parent / "link"
        link.symlink_to(self.run_dir.path)
        run = RunDirectory(link)
        run.set_aside()
        run.open(self.config)
        kept = RunDirectory(self.run_dir.path.with_name("run.1"))
        self.assertTrue(kept.is_complete(self.config))
        self.assertEqual(self.run_dir.read_config(), self.config)
        self.assertCountEqual(os.listdir(self.parent), ["deep", "link"])
        self.assertTrue(link.is_symlink())

    def test_a_summary_is_strict_json(self):
        self.run_dir.open(self.config)
        with self.assertRaises(ValueError):
            self.run_dir.complete({"test_loss": float("nan")})
        self.assertFalse(self.run_dir.summary.exists())

    def test_set_aside_keeps_every_earlier_run(self):
        for expected in ("run.1", "run.2"):
            self._complete()
            self.run_dir.set_aside()
            self.assertFalse(self.run_dir.path.exists())
            kept = RunDirectory(self.run_dir.path.parent / expected)
            self.assertFalse((kept.path / ".lock").exists())
            self.assertTrue(kept.is_complete(self.config))
        self.run_dir.set_aside()  # nothing there: nothing to do


if __name__ == "__main__":
    absltest.main()

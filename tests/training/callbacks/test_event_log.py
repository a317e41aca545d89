import pathlib

from absl.testing import absltest
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.callbacks.event_log import EventLog, scalars


class EventLogTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "steps"

    def _write(self, first: int, last: int, after: int = 0) -> int:
        log = EventLog(self.path)
        kept = log.begin(after)
        for step in range(first, last + 1):
            log.add(step, scalars(loss=100 * after + step))
        log.close()
        return kept

    def _points(self) -> list[tuple[int, float]]:
        reader = EventAccumulator(str(self.path)).Reload()
        return [(e.step, e.value) for e in reader.Scalars("loss")]

    def _files(self) -> list[pathlib.Path]:
        return sorted(self.path.glob("events*"))

    def test_goes_on_without_gap_or_double(self):
        self._write(1, 5)
        self.assertEqual(self._write(4, 6, after=3), 3)
        expected = [(1, 1), (2, 2), (3, 3), (4, 304), (5, 305), (6, 306)]
        self.assertEqual(self._points(), expected)
        # From an earlier step, as where the newest checkpoint is damaged.
        self.assertEqual(self._write(3, 3, after=2), 2)
        self.assertEqual(self._points(), [(1, 1), (2, 2), (3, 203)])
        self.assertEqual(self._write(1, 1), 0)
        self.assertEqual(self._points(), [(1, 1)])

    def test_the_files_have_no_more_for_readers_that_know_no_restarts(self):
        self._write(1, 5)
        self._write(4, 4, after=3)
        reader = EventAccumulator(str(self.path), purge_orphaned_data=False)
        steps = [e.step for e in reader.Reload().Scalars("loss")]
        self.assertEqual(steps, [1, 2, 3, 4])

    def test_a_reader_that_is_looking_on_drops_what_was_cut_off(self):
        self._write(1, 5)
        reader = EventAccumulator(str(self.path)).Reload()
        self._write(4, 6, after=3)
        steps = [e.step for e in reader.Reload().Scalars("loss")]
        self.assertEqual(steps, [1, 2, 3, 4, 5, 6])

    def test_a_torn_record_is_cut_off(self):
        self._write(1, 3)
        (path,) = self._files()
        content = path.read_bytes()
        for num_bytes in range(1, 30):
            with self.subTest(num_bytes):
                path.write_bytes(content[:-num_bytes])
                self.assertEqual(self._write(3, 3, after=3), 2)
                self.assertEqual([s for s, _ in self._points()], [1, 2, 3])
                self._files()[-1].unlink()

    def test_a_killed_process_has_lost_nothing(self):
        log = EventLog(self.path)
        log.begin(0)
        log.add(1, scalars(loss=1.0))
        self.assertEqual(self._points(), [(1, 1.0)])
        log.close()

    def test_the_order_of_the_files_does_not_depend_on_clocks(self):
        for i in range(12):
            self._write(i + 1, i + 1, after=i)
        names = [path.name for path in self._files()]
        self.assertEqual(names[-1], "events.out.tfevents.000012.cifar10_tf")
        self.assertEqual([step for step, _ in self._points()], [*range(1, 13)])

    def test_other_files_are_left_alone(self):
        self.path.mkdir()
        for name in (
            "events.out.tfevents.1795694871.host.1.0",
            "events.out.tfevents.000001.cifar10_tf.mine",
        ):
            (self.path / name).write_text("mine")
            self._write(1, 1)
            self.assertEqual((self.path / name).read_text(), "mine")


class RunDirectoryTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        path = pathlib.Path(self.create_tempdir().full_path)
        self.config = make_config(dataset="synthetic10")
        self.run_dir = RunDirectory(path / "run")
        self.run_dir.open(self.config)
        self.run_dir.close()
        self.steps = self.run_dir.tensorboard / "steps"
        log = EventLog(self.steps)
        log.begin(0)
        log.close()

    def test_a_link_is_refused(self):
        elsewhere = pathlib.Path(self.create_tempdir().full_path)
        (event_file,) = self.steps.iterdir()
        for path in (
            event_file,
            self.run_dir.tensorboard / "train",
            self.run_dir.tensorboard,
        ):
            with self.subTest(path.name):
                if path.exists():
                    path.rename(elsewhere / path.name)
                path.symlink_to(elsewhere / path.name)
                with self.assertRaisesRegex(UserError, "symbolic link"):
                    self.run_dir.open(self.config)
                path.unlink()
                if (elsewhere / path.name).exists():
                    (elsewhere / path.name).rename(path)

    def test_an_earlier_run_is_set_aside_with_its_events(self):
        self.run_dir.set_aside()
        aside = self.run_dir.path.with_name("run.1")
        self.assertLen([*(aside / "tensorboard" / "steps").iterdir()], 1)
        self.assertFalse(self.run_dir.path.exists())


if __name__ == "__main__":
    absltest.main()

import time
from unittest import mock

from absl.testing import absltest

from tests import launcher

_FORKED = launcher.Forked


def _late(*args) -> launcher.Forked:
    """Reads of a process when it has ended already."""
    time.sleep(0.5)
    return _FORKED(*args)


class LauncherTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.launcher = launcher.Launcher()
        self.addCleanup(self.launcher._process.communicate)

    def test_an_end_is_noticed_however_soon_it_comes(self):
        with mock.patch.object(launcher, "Forked", _late):
            process = self.launcher.start(program="raise SystemExit(3)")
        end = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(process.returncode, 3)

    def test_one_that_nobody_has_waited_for_keeps_its_answer(self):
        first = self.launcher.start(program="raise SystemExit(3)")
        second = self.launcher.run(program="print('second')")
        self.assertEqual((first.wait(), second.returncode), (3, 0))
        self.assertEqual(second.stdout, "second\n")


if __name__ == "__main__":
    absltest.main()

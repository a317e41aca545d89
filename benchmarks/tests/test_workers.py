import contextlib
import os
import time
from unittest import mock

import psutil
from absl.testing import absltest
from harness.workers import Worker, WorkerError


class WorkerTest(absltest.TestCase):
    def _worker(self, source, **settings):
        directory = self.create_tempdir()
        directory.create_file("subject.py", content=source)
        environment = {"PYTHONPATH": directory.full_path}
        with mock.patch.dict(os.environ, environment):
            return self._started("subject", **settings)

    def _started(self, module, **settings):
        worker = Worker(
            module, case="none", num_examples=20, batch_size=8, **settings
        )
        self.addCleanup(worker.close)
        return worker

    def _error(self, worker):
        with self.assertRaises(WorkerError) as caught:
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

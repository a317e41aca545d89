import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import requests
from absl.testing import absltest

from tests.cases import CommandTestCase
from tests.report import run_directories

_FAKE = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from cifar10_tf import main
from cifar10_tf.deployment.runtimes import by_path
from tests.deployment.fake_runtime import Brightness
by_path.load = lambda path: Brightness()
main.run()
"""

_NOT_INSTALLED = f"""
import sys
sys.modules["fastapi"] = None
{_FAKE}
"""


class ServeTest(CommandTestCase):
    def setUp(self):
        super().setUp()
        labels = np.arange(300) % 3
        run_directories.write(
            self.directory / "run",
            labels,
            run_directories.random_predictions(labels, seed=0),
        )

    def _serve(self, *arguments, program=_FAKE):
        return self.run_light("serve", *arguments, program=program)

    @pytest.mark.signals
    def test_until_it_is_stopped(self):
        for number, status in (signal.SIGTERM, 143), (signal.SIGINT, 130):
            process = subprocess.Popen(
                [sys.executable, "-c", _FAKE, "serve", "--run_dir=run",
                 "--port=0"],
                env=self.environment | {"PYTHONPATH": ":".join(sys.path)},
                cwd=self.directory, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            lines = []
            while not lines or "Ctrl-C" not in lines[-1]:
                lines.append(process.stdout.readline())
                self.assertTrue(lines[-1], process.poll())
            url = re.search(r"http://127.0.0.1:\d+", "".join(lines))[0]
            model = requests.get(f"{url}/model", timeout=60).json()
            self.assertEqual(model["runtime"], "fake")
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, status, out)
            self.assertEqual(err, f"stopped by {number.name}\n")

    def test_mistakes(self):
        self.assert_error(self._serve(), "serve needs --run_dir")
        self.assert_error(self._serve("--run_dir=gone"), "does not exist")
        (self.directory / "run/summary.json").rename(self.directory / "x")
        self.assert_error(self._serve("--run_dir=run"), "not complete")

    def test_an_address_that_can_not_be_had(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = self._serve("--run_dir=run", f"--port={port}")
        self.assert_error(result, f"--port={port}", "in use", "another --port")
        result = self._serve("--run_dir=run", "--host=no such host")
        self.assert_error(result, "--host=no such host")
        result = self._serve("--run_dir=run", "--port=70000")
        self.assert_error(result, "between 0 and 65535")

    def test_what_serves_is_not_installed(self):
        result = self._serve("--run_dir=run", program=_NOT_INSTALLED)
        self.assert_error(result, "fastapi", "[serve]'")


if __name__ == "__main__":
    absltest.main()

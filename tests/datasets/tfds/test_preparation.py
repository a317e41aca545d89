import contextlib
import io
import os
import socket
import threading
from unittest import mock

import pytest
import tensorflow_datasets as tfds
from absl.testing import absltest, parameterized

from cifar10_tf.datasets.loading import load_dataset
from cifar10_tf.datasets.tfds import preparation, synthetic10
from cifar10_tf.system.errors import UserError
from tests import cases, fakes, launcher

_SEVERAL_AT_ONCE = """
import os, sys
from cifar10_tf.datasets.loading import load_dataset
from tests import fakes
for _ in range(3):
    if not os.fork():
        with fakes.small_synthetic10():
            labels = load_dataset(sys.argv[1], "").train.labels
        print(f"\\nsize={len(labels)}", flush=True)
        sys.exit()
sys.exit(any([os.wait()[1] for _ in range(3)]))
"""


class PreparationTest(cases.MachineTestCase):
    def test_a_server_that_never_answers_is_no_network(self):
        with (
            mock.patch.dict(os.environ, no_proxy="127.0.0.1"),
            socket.create_server(("127.0.0.1", 0)) as server,
        ):
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            self.assertEqual(
                preparation._download_failure(url, timeout_sec=0.3),
                "no answer in time",
            )

    def test_what_a_dataset_holds_is_not_waited_for(self):
        answers = threading.Event()
        with mock.patch.object(tfds, "builder", lambda _: answers.wait(60)):
            preparation.check_labelled("bridge", timeout_sec=0.01)
            self.assertFalse(answers.is_set())
            answers.set()

    def test_what_a_dataset_holds_is_asked_quietly(self):
        # Its module may import TensorFlow, which writes to stderr.
        program = """
import os
from unittest import mock
import tensorflow_datasets as tfds
from cifar10_tf.datasets.tfds import preparation, synthetic10
with mock.patch.object(tfds, "builder", lambda _: os.write(2, b"talk")):
    preparation.check_labelled("coco")
"""
        result = launcher.light().run(program=program)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_what_a_dataset_holds_may_be_unknown(self):
        with mock.patch.object(tfds, "builder", side_effect=ImportError):
            preparation.check_labelled("mnist")

    def test_a_dataset_without_images_is_refused_before_a_download(self):
        with self.assertRaisesRegex(UserError, "no dataset of labelled images"):
            load_dataset("imdb_reviews/plain_text", "")
        self.assertFalse((self.data_dir / "downloads").exists())

    def test_what_is_drawn_is_not_called_a_download(self):
        output = io.StringIO()
        with (
            fakes.small_synthetic10(),
            mock.patch.object(synthetic10, "_CHUNK", 500),
            fakes.talkative_progress(synthetic10) as progress,
            contextlib.redirect_stdout(output),
            self.assertLogs("cifar10_tf", "INFO") as logs,
        ):
            preparation.prepare("synthetic10", "")
        self.assertEqual(output.getvalue(), "")
        self.assertIn("Drawing synthetic10", logs.output[0])
        self.assertStartsWith(
            progress.getvalue(), "Images drawn: 500 of 1,000, "
        )

    @parameterized.parameters("cifar10", "synthetic10")
    @pytest.mark.slow
    def test_several_processes_at_once(self, name):
        if name == "cifar10":
            fakes.write_cifar10(self.data_dir, 30, 20)
        result = launcher.heavy().run(name, program=_SEVERAL_AT_ONCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        size = "30" if name == "cifar10" else "1000"
        printed = result.stdout.split()  # TFDS's words, too
        self.assertEqual(printed.count(f"size={size}"), 3, result.stdout)
        self.assertLen(list(self.cache.rglob("manifest.json")), 1)


if __name__ == "__main__":
    absltest.main()

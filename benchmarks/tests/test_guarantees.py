import contextlib
import io
import json
import pathlib
import sys
from unittest import mock

import guarantees
from absl.testing import absltest
from harness import epochs_on_request

from cifar10_tf.datasets import names
from cifar10_tf.runs import checkpoint
from cifar10_tf.settings.config import make_config
from tests import fakes


class EpochsTest(absltest.TestCase):
    def test_only_saved_epochs_are_saved(self):
        folder = fakes.write_folder(
            pathlib.Path(self.create_tempdir().full_path),
            {"train/cat": 6, "train/dog": 6, "test/cat": 2},
        )
        cache = self.create_tempdir().full_path
        config = make_config(
            model="baseline", dataset=names.of_folder(folder), batch_size=4
        )
        saved = []

        def write(directory, found):
            saved.append(found.step)
            write_it(directory, found)

        write_it = checkpoint.write
        with (
            mock.patch.dict("os.environ", {"XDG_CACHE_HOME": cache}),
            mock.patch.object(checkpoint, "write", write),
            mock.patch.object(sys, "stdin", io.StringIO("bare\nsaved\nbare\n")),
            contextlib.redirect_stdout(io.StringIO()) as stdout,
        ):
            epochs_on_request.main(config.to_json(), 3)
        answers = [json.loads(line) for line in stdout.getvalue().splitlines()]
        self.assertEqual(saved, [3])
        self.assertLen(answers, 3)
        for answer in answers:
            self.assertGreater(answer["sec"], 0)
            self.assertGreater(answer["cpu_sec"], 0)


class RowsTest(absltest.TestCase):
    def test_ratios_are_of_the_same_round(self):
        rows = guarantees.make_rows(
            "case",
            {
                "bare": [{"sec": 1, "cpu_sec": 2}, {"sec": 4, "cpu_sec": 8}],
                "saved": [{"sec": 2, "cpu_sec": 2}, {"sec": 4, "cpu_sec": 12}],
            },
        )
        ratios = {
            row["metric"]: (row["min"], row["max"])
            for row in rows
            if row["case"] == "case, saved / bare"
        }
        self.assertEqual(
            ratios, {"sec_ratio": (1, 2), "cpu_sec_ratio": (1, 1.5)}
        )
        self.assertLen(rows, 6)

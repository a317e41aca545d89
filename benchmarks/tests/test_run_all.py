import contextlib
import io
import pathlib
import sys
from unittest import mock

import run_all
from absl.testing import absltest
from harness import clone


class AllTest(absltest.TestCase):
    def test_joins_what_succeeds_and_fails_if_one_does(self):
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
            mock.patch.object(run_all, "BENCHMARKS", output.parent),
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
        for name in run_all.NAMES:
            self.assertTrue((clone.BENCHMARKS / f"{name}.py").exists(), name)

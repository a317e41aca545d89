import contextlib
import importlib.util
import io
from unittest import mock

from absl.testing import absltest, flagsaver

from cifar10_tf.cli.commands import sweep as command
from cifar10_tf.report.studies import sweep_text
from cifar10_tf.studies.sweeps import sweep
from cifar10_tf.system.errors import UserError
from tests import cases
from tests.studies.fake_executor import FakeExecutor
from tests.studies.sweeps import fake_runs, plans

_FREE_OF_TENSORFLOW = """
import sys
from cifar10_tf.cli.commands import sweep
from cifar10_tf.studies.sweeps import plan, sweep
sys.exit("tensorflow" in sys.modules)
"""


class SweepTest(cases.CommandTestCase):
    def test_it_says_what_is_missing(self):
        result = self.run_light("sweep", "--dataset=synthetic10")
        self.assert_error(result, "--search says what to try, as --search=")

    def test_mistakes_are_found_before_anything_is_made(self):
        for flag, message in (
            ("--search=learning_rte=0:1", "did you mean learning_rate?"),
            ("--metric=test_accuracy", "no figure says how good they are"),
            ("--restart", "sweep takes no --restart"),
            ("--num_workers=2", "sweep takes no --num_workers"),
            ("--ray_address=here:1", "ray_address is of --engine=ray"),
        ):
            result = self.run_light("sweep", "--dataset=synthetic10", flag)
            self.assert_error(result, message)
        self.assertEmpty(list(self.directory.iterdir()))

    def test_what_a_sweep_is_told(self):
        with (
            flagsaver.flagsaver(
                search="batch_size=1|2", trials=7, model="speedrun_s",
                dataset="synthetic10", mixed_precision=True, debug=True,
                checkpoint_every_sec=9.0, run_dir=str(self.directory / "s"),
            ),
            mock.patch.object(sweep, "train") as trained,
            mock.patch.object(sweep_text, "table"),
        ):  # fmt: skip
            command.run()
        (plan,), options = trained.call_args
        self.assertEqual(plan.options.trials, 7)
        self.assertEqual(plan.path, self.directory / "s")
        self.assertEqual(plan.given["precision"], "auto")
        self.assertNotIn("batch_size", plan.shared)
        self.assertEqual(
            options["run_flags"],
            ["--devices=1", "--checkpoint_every_sec=9.0", "--debug=True"],
        )

    def test_its_page_is_written_again(self):
        plan = plans.make(self.directory / "s", trials=1)
        with contextlib.redirect_stdout(io.StringIO()):
            sweep.train(plan, executor=FakeExecutor(fake_runs.make))
        page = self.directory / "s" / "sweep.html"
        text = page.read_text("utf-8")
        page.unlink()
        result = self.run_light("report", "--run_dir=s")
        self.assertEqual(result.stdout, f"Written: {page}\n", result.stderr)
        self.assertEqual(page.read_text("utf-8"), text)
        (self.directory / "s" / "sweep.json").unlink()
        result = self.run_light("report", "--run_dir=s")
        self.assert_error(result, "the sweep in", "is not complete")

    def test_without_optuna_it_says_how_to_get_it(self):
        with (
            mock.patch.object(importlib.util, "find_spec", return_value=None),
            self.assertRaisesRegex(UserError, r"pip install .*\[sweep\]'"),
        ):
            command.run()

    def test_it_is_free_of_tensorflow(self):
        result = self.run_light(program=_FREE_OF_TENSORFLOW)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    absltest.main()

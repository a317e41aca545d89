import errno
import os
import subprocess
import sys
from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf import main
from tests import cases, fakes

_WITHOUT_TENSORFLOW = """
import sys
from cifar10_tf import main
try:
    main.run()
finally:
    assert "tensorflow" not in sys.modules, "it imports TensorFlow"
"""

_STOP_THAT_NOBODY_READS_OF = """
import sys
from cifar10_tf import main
from cifar10_tf.system import interruption
def stop(*args, **kwargs):
    sys.stdin.readline()
    raise interruption.Interrupted("SIGINT", 130)
main.app.run = stop
main.run()
"""


class MainTest(cases.CommandTestCase):
    @parameterized.parameters("--help", "-h", "--helpfull")
    def test_help(self, flag):
        result = self.run_light("train", flag)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, "")
        for name in main.COMMANDS:
            self.assertRegex(result.stdout, rf"\n  {name} +[A-Z]")
        for flag in ("--model", "--[no]mixed_precision", "--seed"):
            self.assertIn(flag, result.stdout)

    @parameterized.parameters(
        (["tran"], "Unknown command 'tran'", "evaluate"),
        (["evaluate", "runs/a"], "evaluate can't do with 'runs/a'", "--name"),
        (["train", "again"], "train can't do with 'again'"),
        (["prepare", "one", "two"], "prepare can't do with 'one two'"),
        (["prepare", "nowhere"], "nowhere does not exist", ".tar.gz"),
        (["prepare", "."], "holds no CIFAR-10", "cifar-10-batches-py"),
        (["prepare", ".", "--dataset=mnist"], "not of mnist"),
        (["--modle=dropout"], "modle", "model"),
        (["--model=resnet"], "resnet", "baseline"),
        (["--dataset=cifar_10"], "'cifar_10'", "did you mean", "cifar10"),
        (["--dataset=./cats"], "./cats", "folder:PATH"),
        (["--dataset=folder:cats"], "cats does not exist", "PATH/train"),
        (["--dataset=cifar100"], "CIFAR-100 is not", "cifar-100-binary.tar.gz"),
        (["--dataset=eurosat/red"], "no config 'red'", "rgb"),
        (["--epochs=many"], "many"),
        (["--epochs=0"], "epochs", "between 1"),
        (["--validation_fraction=1"], "validation_fraction"),
        (["--learning_rate=-1"], "learning_rate"),
        (["--optimizer=lion"], "lion", "adamw"),
        (["--schedule=step"], "step", "one_cycle"),
        (["--ema=1"], "ema must be at least 0 and below 1, got 1.0"),
        (["--num_runs=0"], "num_runs"),
        (["--precision=int8"], "int8", "mixed_bfloat16"),
        (["evaluate"], "--run_dir"),
        (["evaluate", "--run_dir=nowhere"], "nowhere does not exist"),
        (["--dataset=cifar10"], "not prepared", "synthetic10"),
        (["prepare", "--dataset=cifar10"], "can't be downloaded"),
        # No times.
        (["--max_minutes=-1"], "max_minutes"),
        (["--max_minutes=nan"], "max_minutes"),
        (["--checkpoint_every_sec=-1"], "checkpoint_every_sec"),
        (["--checkpoint_every_sec=inf"], "checkpoint_every_sec"),
    )
    def test_mistakes(self, arguments, *parts):
        result = self.run_light(*arguments, program=_WITHOUT_TENSORFLOW)
        self.assert_error(result, *parts)
        self.assertEmpty(os.listdir(self.directory))

    def test_a_run_directory_that_holds_something_else(self):
        (self.directory / "thesis.tex").write_text("precious")
        for flag in ("--restart", "--norestart"):
            result = self.run_light(
                "--dataset=synthetic10", "--run_dir=.", flag
            )
            self.assert_error(result, "not a run", "--run_dir")
        self.assertEqual(os.listdir(self.directory), ["thesis.tex"])

    def test_no_room(self):
        error = OSError(errno.ENOSPC, "No space left on device")
        error.filename = "run/model.keras"
        for number, is_room in (28, False), (27, False), (13, True):
            error.errno = number
            with (
                mock.patch.object(main.app, "run", side_effect=error),
                mock.patch.object(main.interruption, "install"),
                mock.patch.object(main.log_output, "show"),
                self.assertRaises(SystemExit) as caught,
            ):
                main.run()
            self.assertStartsWith(str(caught.exception), "error: ")
            self.assertIn("run/model.keras", str(caught.exception))
            self.assertEqual("make room" not in str(caught.exception), is_room)


class ProcessTest(cases.CommandTestCase):
    """What no process that another one has begun can show."""

    @parameterized.parameters("--help", "--epochs=0", "--dataset=cifar10")
    def test_answers_without_tensorflow(self, flag):
        result = subprocess.run(
            [sys.executable, "-c", _WITHOUT_TENSORFLOW, flag],
            capture_output=True,
            text=True,
            env=self.environment,
        )
        if flag == "--help":
            self.assertEqual(result.returncode, 0)
            self.assertEqual(result.stderr, "")
        else:
            self.assert_error(result)

    def test_debug_shows_the_traceback(self):
        result = fakes.run_main("--epochs=0", "--debug")
        self.assertEqual(result.returncode, 1)
        self.assertIn("Traceback", result.stderr)
        self.assertIn("UserError: epochs must be", result.stderr)
        self.assert_error(fakes.run_main("--epochs=0"), "epochs must be")

    def test_a_closed_pipe_is_no_error(self):
        program = f"{sys.executable} -m cifar10_tf.main --help | head -n 1"
        result = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {program}"],
            capture_output=True,
            text=True,
        )
        self.assertIn(result.returncode, (0, 141))
        self.assertEqual(result.stderr, "")

    def test_a_stop_that_nobody_reads_of(self):
        with subprocess.Popen(
            [sys.executable, "-c", _STOP_THAT_NOBODY_READS_OF],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        ) as process:
            process.stderr.close()
            process.stdin.close()
            self.assertEqual(process.wait(60), 130)


if __name__ == "__main__":
    absltest.main()

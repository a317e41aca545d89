import errno
import io
import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import absltest, parameterized

import cifar10_tf
from cifar10_tf import main
from cifar10_tf.cli import command_line
from cifar10_tf.system import interruption, log_output, tensorflow_startup
from tests import cases, fakes

_WITHOUT_TENSORFLOW = """
import sys
from cifar10_tf import main
try:
    main.run()
finally:
    assert "tensorflow" not in sys.modules, "it imports TensorFlow"
"""

_IMPORT = "import cifar10_tf; cifar10_tf.train"

_STOP_THAT_NOBODY_READS_OF = """
import sys
from cifar10_tf import main
from cifar10_tf.system import interruption
def stop(*args, **kwargs):
    sys.stdin.readline()
    raise interruption.Interrupted("SIGINT", 130)
from cifar10_tf.cli import command_line
command_line.run = stop
main.run()
"""


class MainTest(cases.CommandTestCase):
    def setUp(self):
        super().setUp()
        # What a command does to its own process.
        self.enter_context(interruption.keeping_handlers())
        self.enter_context(mock.patch.object(tensorflow_startup, "is_lean"))

    @parameterized.parameters("--help", "-h", "--helpfull", "help")
    def test_help(self, flag):
        result = self.run_light(flag)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, "")
        for name in command_line.COMMANDS:
            self.assertRegex(result.stdout, rf"\n  {name} +[A-Z]")
        for flag in ("--model", "--[no]mixed_precision", "--seed"):
            self.assertIn(flag, result.stdout)

    @parameterized.parameters(
        (["evaluate", "--help"],),
        (["help", "evaluate"],),
        (["evaluate", "help"],),
        (["help", "evaluate", "--tta"],),
    )
    def test_help_of_a_command(self, arguments):
        result = self.run_light(*arguments)
        self.assertEqual(result.returncode, 0)
        self.assertStartsWith(result.stdout, "usage: cifar10-tf evaluate")
        self.assertIn("--run_dir", result.stdout)
        self.assertNotIn("--epochs", result.stdout)

    @parameterized.parameters("--version", "version")
    def test_version(self, argument):
        result = self.run_light(argument)
        self.assertEqual(
            result.stdout, f"cifar10_tf {cifar10_tf.__version__}\n"
        )

    @parameterized.parameters(
        (["tran"], "Unknown command 'tran'; did you mean train?", "evaluate"),
        (["help", "evalute"], "Unknown command 'evalute'", "mean evaluate?"),
        (["tran", "help"], "Unknown command 'tran'", "mean train?"),
        (["evaluate", "runs/a"], "takes no 'runs/a'", "--run_dir=runs/a."),
        (["train", "again"], "train takes no 'again'"),
        (["train", "vit_tiny"], "a model as --model=vit_tiny."),
        (["train", "3"], "flags are given as --name=value.\n"),
        (["prepare", "one", "two"], "prepare takes no 'one two'"),
        (["prepare", "nowhere"], "nowhere does not exist", ".tar.gz"),
        (["prepare", "."], "holds no CIFAR-10", "cifar-10-batches-py"),
        (["prepare", ".", "--dataset=mnist"], "not of mnist"),
        (["--modle=dropout"], "modle", "model"),
        (
            ["predict", "--top=5"],
            "unknown flag --top",
            "see cifar10-tf predict --help",
        ),
        (["--model=resnet"], "did you mean resnet", "baseline"),
        (["--dataset=cifar_10"], "'cifar_10'", "did you mean", "cifar10"),
        (["--dataset=cifar-10"], "'cifar-10'", "did you mean", "cifar10"),
        (["--dataset=./cats"], "./cats", "folder:PATH"),
        (["--dataset=folder:cats"], "cats does not exist", "PATH/train"),
        (["--dataset=cifar100"], "CIFAR-100 is not", "cifar-100-binary.tar.gz"),
        (["--dataset=eurosat/red"], "no config 'red'", "rgb"),
        (["--epochs=many"], "many: must be a whole number"),
        (["--epochs=0"], "epochs", "between 1"),
        (["--validation_fraction=1"], "validation_fraction"),
        (["--learning_rate=-1"], "learning_rate"),
        (["--optimizer=lion"], "lion", "adamw"),
        (["--schedule=step"], "step", "one_cycle"),
        (["--ema=1"], "ema must be at least 0 and below 1, got 1.0"),
        (["--num_runs=0"], "num_runs"),
        (["--num_runs=9" + "9" * 20], "num_runs must be between 1 and 1000"),
        (["--tta", "True"], "'True' follows a flag", "--noname"),
        (["train", "--tta", "True"], "'True' follows a flag", "--noname"),
        (["evaluate", "--epochs=3"], "evaluate takes no --epochs", "--tta"),
        (["prepare", "--seed=3"], "prepare takes no --seed", "--dataset"),
        (["doctor", "--restart"], "doctor takes no --restart"),
        (["doctor", "--foo"], "unknown flag --foo; see cifar10-tf doctor"),
        (["doctor", "--data"], "did you mean dataset or data_dir?"),
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
            self.assert_error(result, "not a run", "another directory")
        self.assertEqual(os.listdir(self.directory), ["thesis.tex"])

    def test_what_a_terminal_can_not_show(self):
        bytes_out = io.BytesIO()
        with (
            mock.patch.object(
                sys, "stdout", io.TextIOWrapper(bytes_out, "latin1")
            ),
            mock.patch.object(
                command_line, "run", lambda argv: print("caf\xe9 \u732b")
            ),
            mock.patch.object(interruption, "install"),
            mock.patch.object(log_output, "show"),
        ):
            main.run()
            sys.stdout.flush()
            self.assertEqual(bytes_out.getvalue(), b"caf\xe9 \\u732b\n")

    def test_no_room(self):
        error = OSError(errno.ENOSPC, "No space left on device")
        error.filename = "run/model.keras"
        for number, is_room in (28, False), (27, False), (13, True):
            error.errno = number
            with (
                mock.patch.object(command_line, "run", side_effect=error),
                mock.patch.object(interruption, "install"),
                mock.patch.object(log_output, "show"),
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

    @parameterized.parameters(["-m", "cifar10_tf.main"], ["-c", _IMPORT])
    def test_windows_is_told_what_to_do(self, *arguments):
        result = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment | {"PYTHONPATH": str(self._as_on_windows())},
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.returncode, 1)
        self.assertEndsWith(
            result.stderr.rstrip(),
            "runs on Linux and macOS; on Windows install it in WSL2.",
        )
        if arguments[0] == "-m":
            self.assertLen(result.stderr.splitlines(), 1)

    def _as_on_windows(self):
        (self.directory / "sitecustomize.py").write_text(
            "import signal, sys\nsys.platform = 'win32'\n"
            "del signal.SIGHUP, signal.SIGUSR1, signal.SIGURG\n"
        )
        root = pathlib.Path(cifar10_tf.__file__).parents[1]
        return f"{self.directory}{os.pathsep}{root}"


if __name__ == "__main__":
    absltest.main()
